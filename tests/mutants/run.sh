#!/usr/bin/env bash
# Plants faults in the libraries, one at a time, and expects the tests to notice each.
#
#   run.sh SOURCE_DIR BUILD_DIR [--chosen | MUTANT...]
#
# BUILD_DIR is a finished build with shared libraries. A mutant (*.mutant here) names a file, a text in it and what stands there
# instead; its sources alone are compiled again, from a copy, linked with the other objects of the build to a library of its
# own, and the tests of that library are run with it: operator_test and problem_test for src/, graph_test for cann/ge/,
# cann_test for the rest of cann/, with the variable of the environment that the mutant may name; or the test of tests/operator or tests/cli
# that it names. For tools/alng/ it is the program that is linked anew, and cli_command_test that runs it; for src/cuda/ the
# test of tests/cuda that it names, which has the model's objects in it. A mutant of code that one instruction set alone runs
# names it (instructions: avx512) and is skipped where the processor lacks it. Caught: a test fails. What is unchanged goes
# through the same mill first.
set -euo pipefail

source_dir=$(realpath "$1")
build_dir=$(realpath "$2")
here=$source_dir/tests/mutants
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build_dir/CMakeCache.txt")

# Objects of sources that are gone would be linked too. By ninja, once.
[ -n "${ALNG_TRY_MUTANT:-}" ] || ninja -C "$build_dir" -t cleandead >/dev/null

# shellcheck source=tests/mutants/plant.sh
source "$here/plant.sh"

# The wing of the house that a mutant's file is in: its library, what that is made of, and its tests.
choose_wing() { # MUTANT
  local file own_test
  file=$(head_of "$1" file)
  own_test=$(head_of "$1" test)
  wing=${file%%/*} program='' holds_objects='' also=''
  case $file in
    src/cuda/runtime/*)
      # With the GPUs of the tests' own.
      library=libalng_fake_cuda.so
      objects=$build_dir/tests/cuda_door/CMakeFiles/alng_fake_cuda.dir
      needs=()
      test=$build_dir/tests/cuda_door/cuda_door_test
      filter='*'
      ;;
    src/cuda/*)
      objects=$build_dir/src/cuda/simt/CMakeFiles
      library=${own_test:-cuda_model_test}
      program=tests/cuda/$library
      test=$build_dir/$program
      filter=$(head_of "$1" filter)
      holds_objects=yes
      own_test=
      ;;
    src/*)
      library=libalng.so.0
      objects=$build_dir/src/CMakeFiles/alng.dir
      needs=()
      test=$build_dir/tests/operator/operator_test
      # What decides bit by bit, without the largest cases.
      filter='-Slow*:Property.*:Oracle.*:*FiniteDifference*:*IsWithinTheBounds*:*2p20*:*rows_65*:*rows_131073*:*columns_65537*:*columns_262144*'
      also=$build_dir/tests/problem/problem_test
      ;;
    cann/*)
      library=libalng_cann.so.0
      objects=$build_dir/cann/CMakeFiles/alng_cann_objects.dir
      needs=(-L"$build_dir/src" "-Wl,-rpath,$build_dir/src" -lalng "-Wl,-z,nodelete")
      # The products' models, where they are built.
      if [ -d "$build_dir/ascend/twin" ]; then
        mapfile -t -O "${#needs[@]}" needs < <(find "$build_dir/ascend/twin" -name '*.o')
        needs+=("$build_dir/src/libalng_for_back_ends.a")
      fi
      test=$build_dir/tests/cann/cann_test
      filter='-Slow*:Soak*'
      if [[ $file == cann/ge/* ]]; then test=$build_dir/tests/cann/graph_test filter='-Slow*'; fi
      ;;
    tools/alng/*)
      objects=$build_dir/tools/alng/CMakeFiles
      library=alng
      program=tools/alng/alng
      test=$build_dir/tests/cli/cli_command_test
      filter='MakeCommand.*:VerifyCommand.*:ResultCommand.*:Fault.*:Ending.*:ExitCode.*-*Large*:*WithoutThreads*'
      if [ "$own_test" = cli_unit_test ]; then
        # The test has the tool's objects in it.
        holds_objects=yes
        library=cli_unit_test
        program=tests/cli/cli_unit_test
        test=$build_dir/$program
        filter='-*GiantHeader*'
        own_test=
      fi
      ;;
    *) die "there are no mutants of $file" ;;
  esac
  if [ -n "$own_test" ]; then test=$build_dir/tests/operator/$own_test filter='*' also=''; fi
  [ -x "$test" ] || die "$test is not built"
}

# Whether this processor has the instruction set that a mutant names, if it names one.
runs_here() { # MUTANT
  local needed has
  needed=$(head_of "$1" instructions)
  [ -n "$needed" ] || return 0
  has=$(sed -nE "s/^(instruction sets)? +$needed +(yes|no) .*/\2/p" <<<"$info")
  [ -n "$has" ] || die "$1: alng info lists no instruction set $needed"
  [ "$has" = yes ]
}

# chosen_of MUTANT...: the first of each folder; none of src/cuda/.
chosen_of() {
  local -A seen=()
  local mutant place
  for mutant in "$@"; do
    place=$(dirname "$(head_of "$mutant" file)")
    [[ $place != src/cuda* ]] || continue
    [ -n "${seen[$place]:-}" ] || echo "$mutant"
    seen[$place]=yes
  done
}

# The object of a source, in the build.
object_of() {
  if [ "$library" = libalng_fake_cuda.so ]; then
    echo "$objects/__/__/$1.o"
  elif [ "$wing" = src ] && [ -n "$program" ]; then
    find "$objects" -path "*.dir/${1#src/cuda/simt/}.o" -o -path "*.dir/__/${1#src/cuda/}.o"
  elif [ "$wing" != tools ]; then
    echo "$objects/${1#"$wing/"}.o"
  else
    find "$objects/alng_tool.dir" "$objects/alng_cli.dir" -path "*.dir/${1#tools/alng/}.o"
  fi
}

# link OUT [OBJECT REPLACEMENT]...: the library or the program of the build, some of its objects replaced.
link() {
  local out=$1 list
  shift
  if [ -n "$program" ]; then
    list=$(ninja -C "$build_dir" -t commands "$program" | tail -1)
    list=${list/" -o $program "/" -o $out "}
    while [ $# -gt 0 ]; do
      if [ "$wing" = src ]; then
        list=${list/" ${1#"$build_dir/"} "/" $2 "}
        shift 2
        continue
      fi
      # One in the archive is not taken from there where its names are known before.
      list=${list/" ${1#"$build_dir/"} "/" "}
      list=${list/" tools/alng/libalng_tool.a "/" $2 tools/alng/libalng_tool.a "}
      shift 2
    done
    (cd "$build_dir" && eval "$list")
    return
  fi
  list=$(find "$objects" -name '*.o' | sort)
  while [ $# -gt 0 ]; do
    list=${list/"$1"/"$2"}
    shift 2
  done
  # shellcheck disable=SC2086  # one word for each object
  "$compiler" -shared "-Wl,-soname,$library" $list "${needs[@]}" -o "$out"
}

# Runs the tests with the library in a folder, and with variables of the environment where more are given; 0 where they
# pass.
tests_pass() {
  # What runs is the test with the library of this folder before its own, the test itself linked anew, or the test of a
  # program that is.
  local runs=$test loaded each
  if [ -n "$holds_objects" ]; then
    runs=$1/$library
  elif [ "$wing" != tools ] && [ "$library" != libalng_fake_cuda.so ]; then
    for each in "$test" $also; do
      loaded=$(LD_LIBRARY_PATH=$1 ldd "$each")
      [[ $loaded == *"$library => $1/"* ]] || die "$each does not load the library in $1"
    done
  fi
  for each in "$runs" $also; do
    # In a shell of its own, so that what bash says about a crash goes to the log too.
    # shellcheck disable=SC2016  # the inner shell expands it
    env ALNG_TESTED="$1/$library" ALNG_CUDA_LIBRARY="$1/libalng_fake_cuda.so" ALNG_FAKE_GPUS=2 "${@:2}" bash -c 'LD_LIBRARY_PATH=$1 timeout 240 "$2" --gtest_brief=1 --gtest_fail_fast --gtest_filter="$3"; exit $?' _ "$1" "$each" \
      "$filter" >"$1/log" 2>&1 || return 1
  done
}

compile() {
  local tree=$1 source=$2 replaced=$3 object=$4 command
  command=$(grep -B1 "\"file\": \"$source_dir/$source\"" "$build_dir/compile_commands.json" |
    sed -n 's/^ *"command": "\(.*\)",$/\1/p' | sed 's/\\"/"/g; s/\\\\/\\/g' |
    grep -F " -o ${replaced#"$build_dir/"} ")  # a test may compile the same source in its own way
  [ -n "$command" ] || die "$source is not in compile_commands.json"
  command=${command//"$source_dir/$wing"/"$tree/$wing"}
  command=$(sed -E 's/ -MD -MT [^ ]+ -MF [^ ]+//; s/ -o [^ ]+\.o / /' <<<"$command")
  (cd "$build_dir" && eval "$command -o $object")
}

# What the tests made of one mutant, in a line; 1 where they did not notice.
try() {
  local mutant=$1 name work replaced=() source
  name=$(basename "$mutant" .mutant)
  work=$build_dir/mutants/$name
  rm -rf "$work"
  choose_wing "$mutant"
  mkdir -p "$work/tree/$(dirname "$wing")"
  cp -r "$source_dir/$wing" "$work/tree/$wing"
  plant "$mutant" "$work/tree"
  for source in $(head_of "$mutant" compile); do
    local object
    object=$(object_of "$source")
    [ -f "$object" ] || die "$name: no object for $source"
    compile "$work/tree" "$source" "$object" "$work/$(basename "$source").o" 2>"$work/errors" || die "$name: does not compile, see $work/errors"
    replaced+=("$object" "$work/$(basename "$source").o")
  done
  link "$work/$library" "${replaced[@]}"
  local environment
  mapfile -t environment < <(head_of "$mutant" environment)
  if tests_pass "$work" "${environment[@]}"; then
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

[ -e "$build_dir/src/libalng.so.0" ] || die "$build_dir has no shared library"
shift 2
wanted=("$@")
if [ $# -eq 0 ] || [ "$1" = --chosen ]; then wanted=("$here"/*.mutant); fi
info=$("$build_dir/tools/alng/alng" info)
mutants=()
for mutant in "${wanted[@]}"; do
  if runs_here "$mutant"; then
    mutants+=("$mutant")
  else
    echo "skipped $(basename "$mutant" .mutant): this processor lacks $(head_of "$mutant" instructions)"
  fi
done
[ ${#mutants[@]} -gt 0 ] || exit 0
# Without those of kernels for GPUs, whose sources take 20 s each to compile: they run with all.
if [ "${1:-}" = --chosen ]; then mapfile -t mutants < <(chosen_of "${mutants[@]}"); fi

declare -A tried=()
for mutant in "${mutants[@]}"; do
  choose_wing "$mutant"
  [ -z "${tried[$test]:-}" ] || continue
  tried[$test]=yes
  unchanged=$build_dir/mutants/none/$(basename "$test")
  mkdir -p "$unchanged"
  link "$unchanged/$library"
  tests_pass "$unchanged" || die "the tests fail without any mutant, see $unchanged/log"
done
try_all "$0" "$source_dir" "$build_dir" "${mutants[@]}"
