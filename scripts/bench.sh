#!/usr/bin/env bash
# Measures alng beside what a user would take instead, on the same data in the same run. Keeps what it measured in
# bench/results, in a folder for this processor, and writes docs/performance.md from all of them.
#
#   scripts/bench.sh                   everything: installs what is missing, builds, measures
#   scripts/bench.sh --quick           fewer rows; the results stay in build/bench and docs/ as they are
#     --forward, --gradient            of one operator alone; the other's recorded results stay as they are
#     --seconds S                      for each row and dtype (default: 2.5, with --quick 1)
#   scripts/bench.sh --check [COMMIT]  whether this tree is faster or slower than COMMIT (default: HEAD), interleaved
#   scripts/bench.sh --check-itself    two builds of one commit are the same, a planted slowdown of 10 % is slower
#   scripts/bench.sh --page            docs/performance.md, a page for each processor and README's table from the results
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$root/build/bench
jobs=$(nproc)

usage() {
  sed -n '2,11p' "$0" >&2
  exit 2
}

what=measure commit='' quick='' asked_seconds='' seconds=2.5
operators=(gradient forward)
while (($#)); do
  case $1 in
    --forward | --gradient) operators=("${1#--}") ;;
    --quick) quick=--quick seconds=1 ;;
    --seconds)
      (($# > 1)) || usage
      asked_seconds=$2
      shift
      ;;
    --check | --check-itself | --page)
      what=${1#--}
      if [[ $what == check && $# -gt 1 ]]; then
        commit=$2
        shift
      fi
      (($# == 1)) || usage
      ;;
    *) usage ;;
  esac
  shift
done
seconds=${asked_seconds:-$seconds}

use_ccache() {
  if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
  fi
}

# Python packages as pinned in bench/requirements.txt, once.
install_python() {
  local venv=$work/venv
  if [[ ! -e $venv/complete ]] || ! cmp -s bench/requirements.txt "$venv/complete"; then
    echo "installing the Python packages of bench/requirements.txt in build/bench/venv"
    rm -rf "$venv" "$work/onednn-openmp"
    python3 -m venv "$venv"
    # PyTorch's own index has a build without CUDA, a tenth of the size; where it can't be reached, PyPI's runs as well.
    "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 0 --timeout 10 \
      --index-url https://download.pytorch.org/whl/cpu --extra-index-url https://pypi.org/simple \
      "$(grep '^torch==' bench/requirements.txt)" >/dev/null 2>&1 || true
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r bench/requirements.txt
    # oneDNN's newest build for CPUs alone; it would overwrite the other's files.
    python3 -m venv "$work/onednn-openmp"
    "$work/onednn-openmp/bin/pip" install --quiet --disable-pip-version-check onednn-cpu-gomp==2023.2.0
    cp bench/requirements.txt "$venv/complete"
  fi
  # The newest oneDNN reaches the processor through OpenCL, which looks for drivers in /etc.
  export OCL_ICD_FILENAMES=$venv/lib/libintelocl.so
}

# logged LOG COMMAND...: its end is shown where the command fails.
logged() {
  local log=$1
  shift
  "$@" >>"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    exit 1
  }
}

# The library, the contestants, and the Python package of this tree.
build() {
  rm -f "$work/build.log"
  logged "$work/build.log" cmake -S . -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DALNG_BUILD_BENCH=ON -DALNG_BUILD_TESTS=OFF \
    -DALNG_BUILD_CANN=OFF -DALNG_BUILD_ASCEND=OFF -DALNG_BUILD_EXAMPLES=OFF -DALNG_BUILD_CUDA_MODEL=OFF \
    -DALNG_BENCH_ONEDNN="$work/venv" -DALNG_BENCH_ONEDNN_OPENMP="$work/onednn-openmp"
  logged "$work/build.log" cmake --build "$work/build" -j "$jobs"
  logged "$work/build.log" "$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --config-settings build-dir="$work/package" .
}

# libalng alone, of a source tree: library TREE FOLDER
library() {
  rm -f "$2.log"
  logged "$2.log" cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DALNG_BUILD_TESTS=OFF -DALNG_BUILD_TOOLS=OFF \
    -DALNG_BUILD_CANN=OFF -DALNG_BUILD_EXAMPLES=OFF -DALNG_INSTALL=OFF
  logged "$2.log" cmake --build "$2" -j "$jobs" --target alng
}

# What both checks need.
prepare_check() {
  scripts/install_packages.sh build
  use_ccache
  mkdir -p "$work"
  "${CXX:-c++}" -std=c++20 -O2 -Iinclude bench/check.cc -ldl -o "$work/bench_check"
}

tree_of() { # COMMIT FOLDER
  rm -rf "$2"
  mkdir -p "$2"
  git archive "$1" | tar -x -C "$2"
}

check() {
  local commit
  commit=$(git rev-parse --verify --short=12 "${1:-HEAD}^{commit}")
  prepare_check
  tree_of "$commit" "$work/old"
  library "$work/old" "$work/old-build"
  library "$root" "$work/new-build"
  echo "old: $commit    new: this tree"
  "$work/bench_check" "$work/old-build/src/libalng.so" "$work/new-build/src/libalng.so"
}

check_itself() {
  prepare_check
  tree_of HEAD "$work/old"
  tree_of HEAD "$work/again"
  tree_of HEAD "$work/slower"
  patch --quiet --strip=1 --directory="$work/slower" <bench/planted_slowdown.patch
  local name
  for name in old again slower; do library "$work/$name" "$work/$name-build"; done
  echo "two builds of one commit:"
  "$work/bench_check" "$work/old-build/src/libalng.so" "$work/again-build/src/libalng.so" | tee "$work/itself"
  grep -q '^the same:' "$work/itself" || { echo "check-itself: two builds of one commit are not called the same" >&2; exit 1; }
  echo "10 % slower:"
  if "$work/bench_check" "$work/old-build/src/libalng.so" "$work/slower-build/src/libalng.so" | tee "$work/itself"; then
    echo "check-itself: a planted slowdown of 10 % is not called slower" >&2
    exit 1
  fi
  grep -q '^slower:' "$work/itself"
  echo "both are told apart"
}

# Instructions of a call: callgrind counts them for two numbers of calls.
instructions() {
  local results=$1 shape dtype few many
  echo "rows,columns,dtype,instructions_per_call,instructions_per_element" >"$results/instructions.csv"
  for shape in "64 768" "512 1024"; do
    for dtype in fp32 bf16; do
      # shellcheck disable=SC2086  # rows and columns are two words
      few=$(count_instructions $shape $dtype 2)
      # shellcheck disable=SC2086
      many=$(count_instructions $shape $dtype 6)
      awk -v shape="$shape" -v dtype="$dtype" -v few="$few" -v many="$many" 'BEGIN {
        split(shape, s, " "); each = (many - few) / 4
        printf "%d,%d,%s,%d,%.4f\n", s[1], s[2], dtype, each, each / s[1] / s[2] }' >>"$results/instructions.csv"
    done
  done
}

count_instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/build/bench/bench_instructions" "$@" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\)$/\1/p'
}

# The fraction of the stream over the number of columns: 32 Mi elements each, out of any cache.
sweep() {
  local shapes=() columns
  for columns in 64 128 256 512 1024 2048 4096 8192 16384 32768 65536; do
    shapes+=(--shape "$((32 * 1024 * 1024 / columns))x$columns")
  done
  "$work/build/tools/alng/alng" bench --json --seconds 1 --dtype fp32 --dtype fp16 --dtype bf16 "${shapes[@]}" \
    >"$1/sweep.json"
}

measure() {
  local results operator
  scripts/install_packages.sh build bench
  results=$1/$(python3 bench/machine.py)
  use_ccache
  mkdir -p "$work" "$results"
  install_python
  build
  for operator in "${operators[@]}"; do
    local from=("$operator" --build "$work/build/bench" --results "$results" ${quick:+"$quick"})
    "$work/venv/bin/python" bench/compare.py "${from[@]}" --seconds "$seconds"
    "$work/venv/bin/python" bench/compare.py "${from[@]}" --seconds "$seconds" --one-thread
    "$work/venv/bin/python" bench/accuracy.py "${from[@]}" >"$work/accuracy_$operator.log"
    [[ $operator == gradient ]] || continue
    sweep "$results"
    instructions "$results"
  done
}

page() { "$work/venv/bin/python" bench/page.py --results "$1" --out "$2" "${@:3}"; }

case $what in
  measure)
    if [[ -n $quick ]]; then
      measure "$work/results"
      page "$work/results" "$work/page"
    else
      measure "$root/bench/results"
      page "$root/bench/results" "$root/docs" --readme README.md
    fi
    ;;
  page)
    install_python
    page "$root/bench/results" "$root/docs" --readme README.md
    ;;
  check) check "$commit" ;;
  check-itself) check_itself ;;
esac
