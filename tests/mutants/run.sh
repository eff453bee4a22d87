#!/usr/bin/env bash
# Plants faults in the library, one at a time, and expects the tests to notice each.
#
#   run.sh SOURCE_DIR BUILD_DIR [MUTANT...]
#
# BUILD_DIR is a finished build with shared libraries. A mutant (*.mutant here) names a file, a text in it and what stands there
# instead; its sources alone are compiled again, from a copy, linked with the other objects of the build to a library of its
# own, and operator_test is run with that library. Caught: a test fails. The unchanged library goes through the same mill first.
set -euo pipefail

source_dir=$(realpath "$1")
build_dir=$(realpath "$2")
here=$source_dir/tests/mutants
objects=$build_dir/src/CMakeFiles/alng.dir
test=$build_dir/tests/operator/operator_test
# What decides bit by bit, without the largest cases.
filter='-Slow*:Property.*:Oracle.*:*FiniteDifference*:*IsWithinTheBounds*:*2p20*:*rows_65*:*rows_131073*:*columns_65537*:*columns_262144*'
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build_dir/CMakeCache.txt")

die() {
  echo "$1" >&2
  exit 2
}

# The value of a key in a mutant's head.
head_of() { sed -n "/^--- before\$/q; s/^$2: //p" "$1"; }

# link OUT [OBJECT REPLACEMENT]...: the library of the build, some of its objects replaced.
link() {
  local out=$1 list
  shift
  list=$(find "$objects" -name '*.o' | sort)
  while [ $# -gt 0 ]; do
    list=${list/"$1"/"$2"}
    shift 2
  done
  # shellcheck disable=SC2086  # one word for each object
  "$compiler" -shared -Wl,-soname,libalng.so.0 $list -ltbb -o "$out"
}

# Runs the tests with the library in a folder; 0 where they pass.
tests_pass() {
  # operator_test must not find its own library first.
  local loaded
  loaded=$(LD_LIBRARY_PATH=$1 ldd "$test")
  [[ $loaded == *"libalng.so.0 => $1/"* ]] || die "$test does not load the library in $1"
  # In a shell of its own, so that what bash says about a crash goes to the log too.
  bash -c 'LD_LIBRARY_PATH=$1 timeout 600 "$2" --gtest_brief=1 --gtest_fail_fast --gtest_filter="$3"; exit $?' _ "$1" "$test" \
    "$filter" >"$1/log" 2>&1
}

compile() {
  local tree=$1 source=$2 object=$3 command
  command=$(grep -B1 "\"file\": \"$source_dir/$source\"" "$build_dir/compile_commands.json" |
    sed -n 's/^ *"command": "\(.*\)",$/\1/p' | sed 's/\\"/"/g; s/\\\\/\\/g' |
    grep -F 'CMakeFiles/alng.dir/')  # a test may compile the same source in its own way
  [ -n "$command" ] || die "$source is not in compile_commands.json"
  command=${command//"$source_dir/src"/"$tree/src"}
  command=$(sed -E 's/ -MD -MT [^ ]+ -MF [^ ]+//; s/ -o [^ ]+\.o / /' <<<"$command")
  (cd "$build_dir" && eval "$command -o $object")
}

# What the tests made of one mutant, in a line; 1 where they did not notice.
try() {
  local mutant=$1 name work text before after file replaced=() source
  name=$(basename "$mutant" .mutant)
  work=$build_dir/mutants/$name
  rm -rf "$work"
  mkdir -p "$work/tree"
  cp -r "$source_dir/src" "$work/tree/src"
  file=$(head_of "$mutant" file)
  before=$(sed '1,/^--- before$/d; /^--- after$/,$d' "$mutant")
  after=$(sed '1,/^--- after$/d' "$mutant")
  text=$(<"$work/tree/$file")
  local rest=${text#*"$before"}
  [ "$rest" != "$text" ] || die "$name: stale, $file does not contain its text"
  [ "${rest#*"$before"}" = "$rest" ] || die "$name: its text is in $file more than once"
  printf '%s\n' "${text/"$before"/"$after"}" >"$work/tree/$file"
  for source in $(head_of "$mutant" compile); do
    local object=$objects/${source#src/}.o
    [ -f "$object" ] || die "$name: no object for $source"
    compile "$work/tree" "$source" "$work/$(basename "$source").o" 2>"$work/errors" || die "$name: does not compile, see $work/errors"
    replaced+=("$object" "$work/$(basename "$source").o")
  done
  link "$work/libalng.so.0" "${replaced[@]}"
  if tests_pass "$work"; then
    echo "MISSED  $name: $(head_of "$mutant" what)"
    return 1
  fi
  # A crash ends the log without a line about failure; then the last line is all there is.
  local first
  first=$(grep -m1 '^\[  FAILED  \]' "$work/log" | sed 's/^\[  FAILED  \] //; s/,.*//; s/ (.*//' || true)
  echo "caught  $name by ${first:-a crash}"
  rm -rf "$work"
}

if [ "${ALNG_TRY_MUTANT:-}" ]; then
  try "$ALNG_TRY_MUTANT"
  exit
fi

[ -x "$test" ] || die "$test is not built"
[ -f "$build_dir/src/libalng.so.0" ] || [ -L "$build_dir/src/libalng.so.0" ] || die "$build_dir has no shared library"
shift 2
mutants=("$@")
[ $# -gt 0 ] || mutants=("$here"/*.mutant)

mkdir -p "$build_dir/mutants/none"
link "$build_dir/mutants/none/libalng.so.0"
tests_pass "$build_dir/mutants/none" || die "the tests fail without any mutant, see $build_dir/mutants/none/log"
status=0
printf '%s\n' "${mutants[@]}" |
  xargs -P "$(nproc)" -I{} env ALNG_TRY_MUTANT={} "$0" "$source_dir" "$build_dir" || status=1
[ $status -eq 0 ] && echo "all ${#mutants[@]} mutants caught"
exit $status
