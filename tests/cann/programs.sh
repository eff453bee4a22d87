#!/usr/bin/env bash
# Compiles programs against CANN's stand-in as their users do, with a plain compiler and the link names, and runs them.
# Prints one line for each and a closing count.
#
#   tests/cann/programs.sh INCLUDE LIB WORK [ALNG]
#
# INCLUDE, LIB: the folders of the headers and of the link names, built or installed. WORK: made anew. ALNG: the command
# line, which judges what the example prints.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
include=$(realpath "$1") lib=$(realpath "$2") work=$(realpath -m "$3") alng=${4:-}
rm -rf "$work"
mkdir -p "$work"
export LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# The programs are found whole by their own names alone.
unset ALNG_SOC ALNG_ISA
strict=(-Wall -Wextra -Werror -pedantic)
passed=0 failed=0
# shellcheck source=/dev/null
source "$root/tests/check.sh"

surface_c() { # -std=
  gcc "$1" "${strict[@]}" -I"$include" -I"$root/tests" "$here/surface.c" -L"$lib" -lascendcl -o "$work/surface_c" &&
    "$work/surface_c"
}

surface_cpp() { # COMPILER -std=
  "$1" "$2" "${strict[@]}" -I"$include" -I"$root/tests" "$here/surface.cpp" -L"$lib" -lopapi -ldl \
    -o "$work/surface_cpp" && "$work/surface_cpp" "$lib"
}

# As documents of CANN say it, with no -std and the headers' folders themselves.
plain() { # PROGRAM LINK-NAME...
  local program=$1 name
  shift
  name=$(basename "$program" .cpp)
  g++ "$program" -I "$include" -I "$include/aclnnop" -I "$include/aclnn" -L "$lib" "$@" -o "$work/$name" || return 1
  if ! "$work/$name" >"$work/$name.out"; then cat "$work/$name.out" && return 1; fi
}

verified() {
  plain "$root/examples/test_aclnn_add_layer_norm_grad.cpp" -lopapi_nn -lascendcl -lnnopbase &&
    python3 "$here/printed_problem.py" "$work/p.safetensors" "$work/r.safetensors" \
      <"$work/test_aclnn_add_layer_norm_grad.out" && "$alng" verify "$work/p.safetensors" "$work/r.safetensors"
}

# A judge that lets everything pass proves nothing: one gradient with another sign must be found out.
refuted() {
  sed -E 's/^(dgamma \[4\]) -?/\1 9/' "$work/test_aclnn_add_layer_norm_grad.out" >"$work/wrong.out"
  ! cmp -s "$work/wrong.out" "$work/test_aclnn_add_layer_norm_grad.out" || return 1
  python3 "$here/printed_problem.py" "$work/p.safetensors" "$work/r.safetensors" <"$work/wrong.out" || return 1
  ! "$alng" verify "$work/p.safetensors" "$work/r.safetensors"
}

only_its_own_names() {
  ! nm --dynamic --defined-only "$lib/libalng_cann.so" | awk '{print $3}' | grep -vE '^(acl|alngCann)'
}

nothing_left() {
  ALNG_CANN_DEBUG=1 "$work/usual_program" 2>&1 >/dev/null | tee "$work/leaks" && grep -qx nothing "$work/leaks"
}

check "C99, the whole surface" surface_c -std=c99
check "C17, the whole surface" surface_c -std=c17
check "C++14, the whole surface, dlopen under every name" surface_cpp g++ -std=c++14
check "C++20, the whole surface, dlopen under every name" surface_cpp g++ -std=c++20
if command -v clang++-14 >/dev/null; then
  check "C++14 with clang" surface_cpp clang++-14 -std=c++14
fi
check "a program of the usual shape, plain g++" plain "$here/usual_program.cpp" -lopapi_nn -lopapi_math -lascendcl \
  -lnnopbase
check "the same leaves nothing behind" nothing_left
check "the same with -lcust_opapi first and -lacl_rt" plain "$here/usual_program.cpp" -lcust_opapi -lopapi_nn -lacl_rt \
  -lnnopbase
if [[ -n $alng ]]; then
  check "the example, plain g++, verified by alng" verified
  check "a wrong gradient is found out" refuted
fi
check "only acl's names are exported" only_its_own_names

echo "cann: $passed passed, $failed failed"
((failed == 0))
