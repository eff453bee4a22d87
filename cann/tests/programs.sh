#!/usr/bin/env bash
# Compiles programs against CANN's stand-in as their users do, with a plain compiler and the link names, and runs them.
# Prints one line for each and a closing count.
#
#   cann/tests/programs.sh INCLUDE LIB WORK [ALNG]
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

exported() { nm --dynamic --defined-only "$1" | awk '{print $3}' | sort; }

only_its_own_names() {
  ! exported "$lib/libalng_cann.so.0" | grep -vE '^([aA]cl|alngCann|_ZN2ge|_ZNK2ge|_ZT[VIS]N2ge8OperatorE)'
}

# Each linker takes a symbol only from a library that it was told of.
every_link_name_has_every_name() {
  local file
  for file in "$lib"/lib*.so; do
    cmp <(exported "$lib/libalng_cann.so.0") <(exported "$file") || return 1
  done
}

# As wheels, archives and COPY of containers make a folder: without symbolic links.
one_runtime() { # LINK-NAME LINKER
  local copy=$work/copied
  rm -rf "$copy"
  cp -rL "$lib" "$copy"
  g++ "$here/one_runtime.cpp" "${strict[@]}" -fuse-ld="$2" -I"$include" -L"$copy" "-l$1" -ldl -o "$work/one_runtime" || return 1
  LD_LIBRARY_PATH=$copy:$LD_LIBRARY_PATH "$work/one_runtime" "$copy" && "$work/one_runtime" "$lib" &&
    LD_LIBRARY_PATH=$copy:$LD_LIBRARY_PATH "$work/surface_cpp" "$copy"
}

# Graph mode, with the folders and the link names that its programs are built with.
graph_mode() { # COMPILER PROGRAM OUTPUT OPTION...
  "$1" "$2" "${@:4}" -I"$include" -I"$include/graph" -I"$include/ge" -I"$root" -L"$lib" -lgraph -lge_runner \
    -lgraph_base -lge_compiler -o "$work/$3" || return 1
  if ! (cd "$work" && "./$3" >"$3.out"); then cat "$work/$3.out" && return 1; fi
}

# Every header by itself, so that programs may include them in any order.
each_header() { # COMPILER -std=
  local header
  for header in "$include"/graph/*.h "$include"/ge/*.h "$root"/ascend/op_graph/*.h; do
    "$1" "$2" "${strict[@]}" -fsyntax-only -I"$include" -x c++ -include "$header" /dev/null || return 1
  done
}

# The bytes that `alng run` makes of the same problem.
graph_mode_is_alng_run() {
  graph_mode g++ "$root/examples/test_geir_add_layer_norm_grad.cpp" geir -std=c++17 &&
    python3 "$here/printed_problem.py" "$work/g.safetensors" "$work/g_results.safetensors" <"$work/geir.out" &&
    "$alng" run "$work/g.safetensors" -o "$work/g_expected.safetensors" &&
    python3 "$here/graph/same_tensors.py" "$work/g_results.safetensors" "$work/g_expected.safetensors"
}

one_number_off() {
  sed -E 's/^(dgamma \[4\]) -?/\1 9/' "$work/geir.out" >"$work/wrong.out"
  ! cmp -s "$work/wrong.out" "$work/geir.out" || return 1
  python3 "$here/printed_problem.py" "$work/g.safetensors" "$work/g_results.safetensors" <"$work/wrong.out" || return 1
  ! python3 "$here/graph/same_tensors.py" "$work/g_results.safetensors" "$work/g_expected.safetensors"
}

graph_is_shown() {
  (cd "$work" && ./geir dumped >/dev/null) && grep -qF '#7 AddLayerNormGrad "add_layer_norm_grad"' "$work/dumped.txt" &&
    grep -qF 'output 1: #7 "add_layer_norm_grad" dgamma: float32[4]' "$work/dumped.txt" &&
    grep -qF 'n0 -> n7 [taillabel="y", headlabel="dy", label="float32[3, 1, 4]"];' "$work/dumped.dot" || return 1
  if command -v dot >/dev/null; then dot -Tsvg "$work/dumped.dot" >"$work/dumped.svg"; fi
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
check "only acl's and ge's names are exported" only_its_own_names
check "every link name has every name" every_link_name_has_every_name
for name in ascendcl opapi cust_opapi graph alng_cann; do
  check "one runtime in a copied folder, linked with -l$name" one_runtime "$name" bfd
done
for linker in gold lld; do
  if command -v "ld.$linker" >/dev/null; then check "one runtime, linked by $linker" one_runtime ascendcl "$linker"; fi
done
for std in c++14 c++17; do
  check "graph mode, each header, $std" each_header g++ -std=$std
  check "graph mode, the whole surface, $std" graph_mode g++ "$here/graph/surface.cpp" graph_surface -std=$std "${strict[@]}"
done
if command -v clang++-14 >/dev/null; then
  check "graph mode, each header, clang" each_header clang++-14 -std=c++14
  check "graph mode, the whole surface, clang" graph_mode clang++-14 "$here/graph/surface.cpp" graph_surface -std=c++17 \
    "${strict[@]}"
fi
check "graph mode, the other ABI of std::string" graph_mode g++ "$here/graph/surface.cpp" graph_surface -std=c++17 \
  -D_GLIBCXX_USE_CXX11_ABI=0
check "graph mode, a program of the usual shape, plain g++" graph_mode g++ "$here/graph/usual_program.cpp" usual_graph
if [[ -n $alng ]]; then
  check "graph mode, the example gives the bytes of alng run" graph_mode_is_alng_run
  check "a wrong number is found out" one_number_off
  check "a dumped graph is shown and drawn" graph_is_shown
fi

echo "cann: $passed passed, $failed failed"
((failed == 0))
