#!/usr/bin/env bash
# Plants faults in the Ascend package, one at a time, and expects its tests to notice each.
#
#   kernel_mutants.sh SOURCE_DIR BUILD_DIR [MUTANT...]
#
# BUILD_DIR is a finished build. A mutant (kernel_mutants/*.mutant) names a file, a text in it and what stands there
# instead; and as `compile` either a variant of the kernel (or the tiling) to compile from a copy, with the tests of
# kernel_test to run, or the script that looks at the copy: `package` or `interface`. Caught: a test fails.
set -euo pipefail

source_dir=$(realpath "$1")
build_dir=$(realpath "$2")
here=$source_dir/ascend/tests/kernel_mutants
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build_dir/CMakeCache.txt")
library=$build_dir/ascend/twin/CMakeFiles/alng_ascend.dir

# shellcheck source=tests/mutants/plant.sh
source "$source_dir/tests/mutants/plant.sh"

# link OUT [OBJECT REPLACEMENT]: kernel_test, one of its objects replaced.
link() {
  local objects
  objects=$(find "$library" "$build_dir/ascend/twin/CMakeFiles/alng_twin.dir" "$build_dir/tests/ascend/CMakeFiles/kernel_test.dir" \
    -name '*.o' | sort)
  if [ $# -gt 1 ]; then
    [[ $objects == *"$2"* ]] || die "$2 is no object of kernel_test"
    objects=${objects/"$2"/"$3"}
  fi
  # shellcheck disable=SC2086  # one word for each object
  "$compiler" -o "$1" $objects "$build_dir/tests/libalng_test_main.a" "$build_dir/tests/cases/libalng_cases.a" \
    "$build_dir/src/libalng_for_back_ends.a" \
    -L"$build_dir/src" -lalng -lgtest -lpthread -Wl,-rpath,"$build_dir/src"
}

# In a shell of its own, so that what bash says about a crash goes to the log too.
tests_pass() {
  bash -c 'timeout 600 "$1" --gtest_brief=1 --gtest_fail_fast --gtest_filter="$2"; exit $?' _ "$1/kernel_test" "$2" \
    >"$1/log" 2>&1
}

# try_script NAME SCRIPT WORK WHAT
try_script() {
  local status=0
  ln -s "$source_dir/tests" "$3/tree/tests"
  local arguments=("$3/tree")
  [ "$2" = interface ] || arguments+=("$3/package")
  ALNG_FIRST_FAILURE=1 "$source_dir/ascend/tests/$2_test.sh" "${arguments[@]}" >"$3/log" 2>&1 || status=$?
  case $status in
    0)
      echo "MISSED  $1: $4"
      return 1
      ;;
    77) echo "$1 $(grep skipped "$3/log")" ;;
    *) echo "caught  $1 by $(grep -m1 -E 'FAILED|error:' "$3/log" | sed 's/^FAILED *//; s/.*error: //')" ;;
  esac
  rm -rf "$3"
}

try() {
  local mutant=$1 name work variant object source
  name=$(basename "$mutant" .mutant)
  work=$build_dir/kernel_mutants/$name
  rm -rf "$work"
  mkdir -p "$work/tree"
  cp -r "$source_dir/ascend" "$work/tree/ascend"
  plant "$mutant" "$work/tree"
  variant=$(head_of "$mutant" compile)
  if [ "$variant" = package ] || [ "$variant" = interface ]; then
    try_script "$name" "$variant" "$work" "$(head_of "$mutant" what)"
    return
  fi
  if [ "$variant" = tiling ]; then
    source=$work/tree/ascend/op_host/add_layer_norm_grad_tiling_sizes.cpp
    object=$(find "$library" -name add_layer_norm_grad_tiling_sizes.cpp.o)
  else
    source=$build_dir/ascend/twin/kernel_$variant.cc
    object=$library/kernel_$variant.cc.o
  fi
  local tree=$work/tree/ascend
  "$compiler" -std=c++20 -O1 -ffp-contract=off -I "$tree/twin" -I "$tree/twin/include" -I "$tree" -I "$source_dir/src" \
    -I "$source_dir/include" -c "$source" -o "$work/object.o" 2>"$work/errors" || die "$name: does not compile, see $work/errors"
  link "$work/kernel_test" "$object" "$work/object.o"
  if tests_pass "$work" "$(head_of "$mutant" filter)"; then
    echo "MISSED  $name: $(head_of "$mutant" what)"
    return 1
  fi
  local found
  found=$(grep -m1 -oE '[a-z_]+ at [a-z_0-9]+\.h:[0-9]+|(dx|dgamma|dbeta) at [0-9]+' "$work/log" | sed -n 1p || true)
  echo "caught  $name by ${found:-$(grep -m1 FAILED "$work/log" || echo a crash)}"
  rm -rf "$work"
}

if [ "${ALNG_TRY_MUTANT:-}" ]; then
  try "$ALNG_TRY_MUTANT"
  exit
fi

[ -d "$library" ] || die "$build_dir has no devices ascend:*"
shift 2
mutants=("$@")
[ $# -gt 0 ] || mutants=("$here"/*.mutant)

mkdir -p "$build_dir/kernel_mutants/none"
link "$build_dir/kernel_mutants/none/kernel_test"
tests_pass "$build_dir/kernel_mutants/none" 'Products/Kernel.SameBits*/a2:Products/Kernel.SameBits*/950pr' ||
  die "the tests fail without any mutant, see $build_dir/kernel_mutants/none/log"
try_all "$0" "$source_dir" "$build_dir" "${mutants[@]}"
