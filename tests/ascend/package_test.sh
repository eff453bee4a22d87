#!/usr/bin/env bash
# The Ascend package's build without CANN, and with stand-ins for CANN's CMake functions and headers.
#
#   package_test.sh SOURCE_DIR WORK_DIR
set -euo pipefail

source_dir=$(realpath "$1")
work=$2
package=$source_dir/ascend
here=$source_dir/tests/ascend
cann=$here/package_cann
unset ASCEND_HOME_PATH
rm -rf "$work"
mkdir -p "$work"
failed=0

check() { # check WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then
    echo "ok      $what"
  else
    echo "FAILED  $what"
    failed=1
  fi
}
# Called through check.
# shellcheck disable=SC2317
same() { diff -u "$1" "$2"; }
# shellcheck disable=SC2317
fails() { ! "$@"; }
# shellcheck disable=SC2317
says() { tr -s ' \n' ' ' <"$1" | grep -qF "$2"; }
# shellcheck disable=SC2317
quiet() { # quiet LOG COMMAND...
  local log=$1
  shift
  "$@" >"$log" 2>&1
}

# Every file the package is made of, and no other.
(cd "$package" && find . -path ./twin -prune -o -path ./build_out -prune -o -type f -print | sed 's/^\.\///' | LC_ALL=C sort) >"$work/files"
check "the package's files are those of the list" same "$here/package_files.txt" "$work/files"

sentence="This package needs CANN 9.0 or later, and none was found: source its set_env.sh or give -DASCEND_CANN_PACKAGE_PATH."
check "without CANN cmake fails" fails quiet "$work/without.log" cmake -S "$package" -B "$work/without"
check "without CANN cmake says one sentence" says "$work/without.log" "$sentence"
check "without CANN there is one error" test "$(grep -c 'CMake Error' "$work/without.log")" = 1
check "without CANN build.sh fails" fails quiet "$work/build.log" "$package/build.sh" --build "$work/none"
check "without CANN build.sh says one sentence" test "$(cat "$work/build.log")" = \
  "build.sh: this package needs CANN 9.0 or later, and none was found: source its set_env.sh or give --cann PATH."

check "with CANN's functions cmake succeeds" quiet "$work/with.log" cmake -S "$package" -B "$work/with" -DASCEND_CANN_PACKAGE_PATH="$cann"
check "what it asks CANN for" same "$here/package_calls.txt" "$work/with/calls.txt"

check "a name that is none is refused" fails quiet "$work/wrong.log" cmake -S "$package" -B "$work/wrong" -DASCEND_CANN_PACKAGE_PATH="$cann" \
  -DALNG_OPTYPE=add_layer
check "and said" says "$work/wrong.log" 'ALNG_OPTYPE is "add_layer": it has to be a name like AddLayerNormGrad.'

check "another name" quiet "$work/other.log" cmake -S "$package" -B "$work/other" -DASCEND_CANN_PACKAGE_PATH="$cann" \
  -DALNG_OPTYPE=AddLayerNormGradFast
renamed=$work/other/renamed
check "nothing keeps the old name" fails grep -rnE 'AddLayerNormGrad([^F]|$)|add_layer_norm_grad([^_]|_[^f]|$)' "$renamed"
check "the kernel has the new one" grep -q 'void add_layer_norm_grad_fast(GM_ADDR dy' "$renamed/op_kernel/add_layer_norm_grad_fast.cpp"
check "the definition has the new one" grep -q 'OP_ADD(AddLayerNormGradFast)' "$renamed/op_host/add_layer_norm_grad_fast_def.cpp"
for file in "$renamed"/op_host/*.c*; do
  check "$(basename "$file") compiles as C++11" "${CXX:-c++}" -std=c++11 -Wall -Wextra -Werror -pedantic -fsyntax-only \
    -I "$cann/include" "$file"
done
exit $failed
