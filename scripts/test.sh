#!/usr/bin/env bash
# Installs what is missing, builds and runs the tests. One line for each stage with its time; its output is in build/logs.
#
#   scripts/test.sh               rules, release, python, install, mutants, asan-ubsan: the chosen tests of each, from
#                                 scratch 18 to 40 minutes on two cores, by processor; what .ci/run calls
#   scripts/test.sh --quick       release alone, in half the time
#   scripts/test.sh --all         every stage with every test, in the order below
#   scripts/test.sh STAGE...      these stages with every test: rules release python tidy install cuda asan-ubsan tsan
#                                 mutants fuzz aarch64
set -euo pipefail
cd "$(dirname "$0")/.."

chosen_stages=(rules release python install mutants asan-ubsan)
all_stages=(rules release python tidy install cuda asan-ubsan tsan mutants fuzz aarch64)
# Seconds for each fuzzer.
fuzz_seconds=${ALNG_FUZZ_SECONDS:-20}
jobs=$(nproc)

sources() {
  local folders=()
  for folder in include src python tools tests fuzz examples bench cann ascend; do [[ -d $folder ]] && folders+=("$folder"); done
  find "${folders[@]}" -type f \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cc' -o -name '*.cpp' \) "$@"
}

build_preset() { # PRESET [BUILD-ARGUMENT...]
  cmake --preset "$1"
  cmake --build --preset "$1" -j "$jobs" "${@:2}"
}

# The sanitizers' shadow memory collides with kernels that randomise addresses by more than 28 bits.
without_address_randomisation() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then setarch "$(uname -m)" -R "$@"; else "$@"; fi
}

stage_rules() {
  scripts/check_includes.py --self-test
  scripts/check_includes.py
  sources -print0 | xargs -0 clang-format-14 --dry-run -Werror
  find scripts tests cann ascend .ci -type f \( -name '*.sh' -o -path .ci/run \) -print0 | xargs -0 shellcheck
}

# What tests judge by, from PyPI, as pinned, once. Where it can't be had its tests say that they are skipped.
install_python() {
  local venv=build/venv wanted=tests/cli/requirements.txt
  ! cmp -s "$wanted" "$venv/complete" || return 0
  rm -rf "$venv"
  if python3 -m venv "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 0 --timeout 20 -r "$wanted"; then
    cp "$wanted" "$venv/complete"
  else
    rm -rf "$venv"
    echo "what $wanted names can't be installed"
  fi
}

# The mutants are a stage of their own. Chosen: without the tests labelled slow, which are larger problems and more
# products of the same kinds.
stage_release() {
  install_python
  build_preset release
  ctest --preset release -j "$jobs" -LE "$($every && echo mutants || echo 'slow|mutants')"
}

# Chosen: NumPy with one Python.
stage_python() {
  if $every; then scripts/test_python.sh; else scripts/test_python.sh --quick; fi
}

# Without tests, in cann/ as elsewhere. The sources of the Python package where the stage python has compiled them.
stage_tidy() {
  cmake --preset release
  tidy build/release -path 'src/*' -o -path 'tools/*' -o -path 'bench/measuring/*' -o -path 'bench/yardsticks/*' -o -path 'cann/*' -not -path 'cann/tests/*'
  if [[ -e build/python/compiled/compile_commands.json ]]; then tidy build/python/compiled -path 'python/native/*'; fi
}

tidy() { # BUILD FIND-EXPRESSION...
  sources -name '*.cc' \( "${@:2}" \) -print0 |
    xargs -0 -n 1 -P "$jobs" clang-tidy-14 -p "$1" --quiet --warnings-as-errors='*'
}

# Chosen: the shared library alone.
stage_install() {
  if $every; then tests/install/run.sh build/install; else ALNG_INSTALL_KINDS=shared tests/install/run.sh build/install; fi
}

# What disassembles, from PyPI, as pinned, once.
install_sass_tools() {
  local venv=build/sass wanted=scripts/sass_requirements.txt
  ! cmp -s "$wanted" "$venv/complete" || return 0
  rm -rf "$venv"
  python3 -m venv "$venv" &&
    "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 0 --timeout 20 --no-deps -r "$wanted" &&
    cp "$wanted" "$venv/complete"
}

# libalng_cuda.so by nvcc, and what came of it; no GPU is needed. Its runs are tested in the stage release, on GPUs of the
# tests' own, and by scripts/bench_gpu.sh.
stage_cuda() {
  scripts/check_sass.py --self-test
  local nvcc
  nvcc=${CUDACXX:-$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null || true)}
  if [[ -z $nvcc ]]; then
    echo "stage skipped: there is no nvcc"
    return 0
  fi
  CUDACXX=$nvcc cmake -S . -B build/cuda -G Ninja -DCMAKE_BUILD_TYPE=Release -DALNG_BUILD_CUDA=ON \
    -DALNG_BUILD_TESTS=OFF -DALNG_BUILD_EXAMPLES=OFF -DALNG_BUILD_ASCEND=OFF -DALNG_BUILD_CANN=OFF -DALNG_BUILD_CUDA_MODEL=OFF
  cmake --build build/cuda -j "$jobs"
  tests/install/cuda.sh build/cuda build/install_cuda
  if install_sass_tools; then
    scripts/check_sass.py build/cuda/src/libalng_cuda.so --tools "$(echo build/sass/lib/python*/site-packages/nvidia/cu*/bin)"
  else
    echo "stage skipped: what scripts/sass_requirements.txt names can't be installed: the code of the kernels was not looked at"
  fi
}

# Chosen: what reads bytes and shapes of others, and the kernels on every case that is not slow. AVX-512 and SVE are left
# out: for the gradient's kernels of one dtype clang needs 155 s with AVX-512 and 46 s without.
stage_asan-ubsan() {
  if $every; then
    install_python
    build_preset asan-ubsan
    without_address_randomisation ctest --preset asan-ubsan -j "$jobs" -LE 'slow|mutants'
  else
    cmake --preset asan-ubsan "-DALNG_INSTRUCTION_SETS=avx2;neon"
    cmake --build --preset asan-ubsan -j "$jobs" --target problem_test operator_test cli_unit_test cli_replay_safetensors cli_replay_npy cli_replay_problem cli_replay_forward
    without_address_randomisation ctest --preset asan-ubsan -j "$jobs" \
      -R '^(problem\.|operator\.(run|forward|c_door|oracle)$|cli_unit$|cli_replay_)'
  fi
}

# What runs on several threads.
stage_tsan() {
  build_preset tsan --target operator_test own_threads_test cann_test graph_test twin_test cuda_door_test
  without_address_randomisation ctest --preset tsan -j "$jobs" \
    -R '^(operator\.(run|own_threads|properties|threads_.)|cann\.(concurrency|aclnn|runtime|misuse|graph_(concurrency|run|misuse|surface))|ascend\.twin|cuda_door)$'
}

# Chosen: the first mutant of each folder; none of kernels for GPUs and NPUs.
stage_mutants() {
  local which=()
  $every || which=(--chosen)
  build_preset release --target operator_test problem_test own_threads_test cann_test graph_test kernel_test cli_unit_test cli_command_test cuda_door_test cuda_library_test cuda_model_test cuda_kernel_test
  tests/mutants/run.sh . build/release "${which[@]}"
  if $every; then ascend/tests/kernel_mutants.sh . build/release; fi
}

stage_fuzz() {
  local passed=0 failed=0
  build_preset fuzz
  mkdir -p build/fuzz/found
  for source in fuzz/fuzz_*.cc; do
    local name dict=()
    name=$(basename "$source" .cc)
    [[ -e fuzz/${name#fuzz_}.dict ]] && dict=(-dict="fuzz/${name#fuzz_}.dict")
    mkdir -p "build/fuzz/corpus/$name"
    if "build/fuzz/fuzz/$name" -max_total_time="$fuzz_seconds" -rss_limit_mb=2048 -malloc_limit_mb=256 -timeout=10 \
      -artifact_prefix=build/fuzz/found/ -print_final_stats=1 "${dict[@]}" "build/fuzz/corpus/$name" \
      "fuzz/corpus/${name#fuzz_}"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
  echo "fuzz: $passed passed, $failed failed"
  ((failed == 0 && passed > 0))
}

stage_aarch64() {
  scripts/aarch64_root.sh build/aarch64-root
  build_preset release --target alng_cli
  build_preset aarch64 --target alng_cli operator_test problem_test
  ctest --preset aarch64 -j "$jobs" -R '^problem\.'
  tests/aarch64/run.sh build/release build/aarch64
}

packages=(build test check)
every=true
case ${1:-} in
  --quick) stages=(release) packages=(build test) every=false ;;
  '') stages=("${chosen_stages[@]}") every=false ;;
  --all) stages=("${all_stages[@]}") ;;
  *)
    stages=("$@")
    for stage in "${stages[@]}"; do
      if [[ " ${all_stages[*]} " != *" $stage "* ]]; then
        echo "test.sh: '$stage' is none of --quick --all ${all_stages[*]}" >&2
        exit 2
      fi
    done
    ;;
esac

scripts/install_packages.sh "${packages[@]}"
if [[ $(uname -m) != x86_64 ]]; then
  # On aarch64 itself the other stages run NEON and SVE on the machine.
  for i in "${!stages[@]}"; do [[ ${stages[i]} == aarch64 ]] && unset 'stages[i]'; done
fi
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_CUDA_COMPILER_LAUNCHER=ccache
fi

# The closing lines of ctest and of our own scripts, and the mutants, added up.
count() {
  awk '/tests passed, [0-9]+ tests failed out of [0-9]+/ { failed += $4; passed += $NF - $4 }
       /^caught / { ++passed }
       /^MISSED / { ++failed }
       /^([a-z0-9_-]+: )?[0-9]+ passed, [0-9]+ failed$/ { sub(/^[a-z0-9_-]+: /, ""); passed += $1; failed += $3 }
       END { print passed + 0, failed + 0 }' "$@"
}

# What ctest's failed tests printed, which hundreds of lines may follow; of each the last 60, without GoogleTest's
# skipped ones, two lines each.
failed_tests() {
  awk 'function put(  i) { for (i = n > 60 ? n - 60 : 0; i < n; ++i) print line[i]; n = 0 }
       /^ *[0-9]+\/[0-9]+ Test +#/ { put(); failed = /\*\*\*/ && !/\*\*\*Skipped/; if (failed) print; next }
       /^ +Start +[0-9]+: / || /^[0-9]+% tests passed/ { put(); failed = 0 }
       /: Skipped$/ { getline; next }
       failed && NF { line[n++] = $0 }
       END { put() }' "$1"
}

mkdir -p build/logs
logs=()
start=$SECONDS
for stage in "${stages[@]}"; do
  log=build/logs/$stage.log
  logs+=("$log")
  printf '%-12s' "$stage"
  stage_start=$SECONDS
  set +e
  (set -e && "stage_$stage") >"$log" 2>&1 </dev/null
  result=$?
  set -e
  read -r passed failed < <(count "$log")
  if ((result != 0)); then
    printf 'FAILED after %d s; the end of %s:\n\n' $((SECONDS - stage_start)) "$log"
    tail -n 30 "$log"
    failed_tests "$log"
    read -r passed failed < <(count "${logs[@]}")
    printf '\nstage %s failed, its whole output is in %s\n%d passed, %d failed\n' \
      "$stage" "$log" "$passed" $((failed > 0 ? failed : 1))
    exit 1
  fi
  sed -n 's/^stage \(skipped: .*\)/\1; /p' "$log" | tr -d '\n'
  if ((passed > 0)); then printf 'ok  %5d s  %d passed\n' $((SECONDS - stage_start)) "$passed"; else
    printf 'ok  %5d s\n' $((SECONDS - stage_start))
  fi
done
read -r passed failed < <(count "${logs[@]}")
printf 'all stages passed in %d s\n%d passed, %d failed\n' $((SECONDS - start)) "$passed" "$failed"
