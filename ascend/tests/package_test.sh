#!/usr/bin/env bash
# The Ascend package's build without CANN, and with stand-ins for CANN's CMake functions and headers, which refuse and
# leave out what CANN's do (package_cann/): from the configuration to the folder that the package is installed in.
#
#   package_test.sh SOURCE_DIR WORK_DIR
set -euo pipefail

source_dir=$(realpath "$1")
work=$2
package=$source_dir/ascend
here=$source_dir/ascend/tests
cann=$here/package_cann
unset ASCEND_HOME_PATH CMAKE_GENERATOR
rm -rf "$work"
mkdir -p "$work"
failed=0

# With ALNG_FIRST_FAILURE the first failure is the end.
check() { # check WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then
    echo "ok      $what"
  else
    echo "FAILED  $what"
    failed=1
    [ -z "${ALNG_FIRST_FAILURE:-}" ] || exit 1
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
compiles_or_skips() { # compiles_or_skips KERNEL_DIR: as interface_test.sh does; 77 is no clang
  "$here/interface_test.sh" "$source_dir" "$1" || test $? = 77
}
# shellcheck disable=SC2317
quiet() { # quiet LOG COMMAND...
  local log=$1
  shift
  "$@" >"$log" 2>&1
}

# Every file the package is made of, and no other.
(cd "$package" && find . -path ./twin -prune -o -path ./tests -prune -o -path ./build_out -prune -o -path "./*_of_build_out" -prune -o -type f -print | sed 's/^\.\///' | LC_ALL=C sort) >"$work/files"
check "the package's files are those of the list" same "$here/package_files.txt" "$work/files"

# Configures with the options and expects this sentence and no other error.
refuses() { # refuses NAME SENTENCE OPTION...
  local name=$1 sentence=$2
  shift 2
  check "$name: cmake fails" fails quiet "$work/$name.log" cmake -S "$package" -B "$work/$name" "$@"
  check "$name: it says why" says "$work/$name.log" "$sentence"
  check "$name: once" test "$(grep -c 'CMake Error' "$work/$name.log")" = 1
}
refuses without_cann "This package needs CANN 9.0 or later, and the environment variable ASCEND_HOME_PATH, by which CANN's modules find it, is \"\": source CANN's set_env.sh."
check "without CANN build.sh fails" fails quiet "$work/build.log" "$package/build.sh" --build "$work/none"
check "without CANN build.sh says one sentence" test "$(cat "$work/build.log")" = \
  "build.sh: this package needs CANN 9.0 or later, and none was found: source its set_env.sh or give --cann PATH."

export ASCEND_HOME_PATH=$work
refuses no_modules "The CANN that ASCEND_HOME_PATH names, $work, has no CMake modules for operators: it has to be version 9.0 or later, with its toolkit."
export ASCEND_HOME_PATH=$cann
refuses generator "CANN's kernel targets call make: the generator is \"Ninja\" and has to be \"Unix Makefiles\", so give -G \"Unix Makefiles\"." -G Ninja
refuses type 'ALNG_OPTYPE is "add_layer": it has to be a name like AddLayerNormGrad.' -DALNG_OPTYPE=add_layer
refuses vendor 'ALNG_VENDOR is "my vendor": it has to be a name of letters, digits and _, like alng.' "-DALNG_VENDOR=my vendor"
refuses product 'ASCEND_COMPUTE_UNIT names "ascend310p": there are ascend910b, ascend910_93 and ascend950.' -DASCEND_COMPUTE_UNIT=ascend310p
cp -r "$package" "$work/copy"
check "built among its sources: cmake fails" fails quiet "$work/among.log" cmake -S "$work/copy" -B "$work/copy"
check "built among its sources: it says why" says "$work/among.log" \
  "The build folder $work/copy contains the kernel's sources, and CANN would leave them out of the package: it has to be another folder."
unset ASCEND_HOME_PATH

# Builds with build.sh, installs, and looks at what is there.
# built NAME TYPE FILE VENDOR PRODUCTS OPTION...
built() {
  local name=$1 type=$2 file=$3 vendor=$4 units=$5 build=$work/$1 unit architecture
  shift 5
  check "$name: build.sh" quiet "$work/$name.log" "$package/build.sh" --cann "$cann" --build "$build" "$@"
  local run
  run=$(echo "$build"/custom_opp_*.run)
  check "$name: installs under vendors/$vendor" test "$("$run" --install-path="$work/$name.opp")" = \
    "installed to $work/$name.opp/vendors/$vendor"
  local opp=$work/$name.opp/vendors/$vendor
  # shellcheck source=/dev/null
  check "$name: the environment script names it" test "$(source "$opp/bin/set_env.bash" && echo "$ASCEND_CUSTOM_OPP_PATH")" = "$opp"
  check "$name: gamma and dsum are optional to aclnn" grep -q "gammaOptional, const aclTensor\* dsumOptional" \
    "$opp/op_api/include/aclnn_$file.h"
  check "$name: the library has its call" grep -q "aclnn${type}GetWorkspaceSize" "$opp/op_api/lib/libcust_opapi.so"
  for library in op_impl/ai_core/tbe/op_tiling/lib/libcust_optiling.so op_proto/lib/libcust_op_proto.so; do
    check "$name: $library" test -s "$opp/$library"
  done
  check "$name: graphs see the same inputs" same \
    <(grep -oE '(OPTIONAL_)?(IN|OUT)PUT\([a-z0-9]+' "$package/op_graph/add_layer_norm_grad_proto.h") \
    <(grep -oE '(OPTIONAL_)?(IN|OUT)PUT\([a-z0-9]+' "$opp/op_proto/inc/op_proto.h")
  local tbe=$opp/op_impl/ai_core/tbe sources=$opp/op_impl/ai_core/tbe/${vendor}_impl/dynamic
  check "$name: every source of the kernel" same \
    <(cd "$package/op_kernel" && find . -type f | sed "s/add_layer_norm_grad/$file/" | LC_ALL=C sort) \
    <(cd "$sources" && find . -type f | LC_ALL=C sort)
  check "$name: the kernel as a compiler finds it there" quiet "$work/$name.interface.log" \
    compiles_or_skips "$sources"
  check "$name: the products" same <(tr " " "\n" <<<"$units") <(ls "$tbe/kernel")
  for unit in $units; do
    architecture=2201
    [ "$unit" = ascend950 ] && architecture=3510
    check "$name: $unit has five binaries" same <(five "$type") <(ls "$tbe/kernel/$unit/$file")
    check "$name: all of $unit for its architecture, without automatic synchronisation" test \
      "$(sort -u "$tbe/kernel/$unit/$file"/*.o | cut -d' ' -f1-2)" = "--cce-auto-sync=off -DALNG_NPU_ARCH=$architecture"
  done
}
five() { # five TYPE: the binaries
  local dtypes
  for dtypes in bfloat16_gamma_bfloat16 bfloat16_gamma_float32 float16_gamma_float16 float16_gamma_float32 float32_gamma_float32; do
    echo "$1_$dtypes.o"
  done
}

built usual AddLayerNormGrad add_layer_norm_grad alng "ascend910_93 ascend910b ascend950"
check "the list of binaries is that of the definition" same <(python3 - "$work/usual" <<'END'
import json, sys
for entry in json.load(open(sys.argv[1] + "/binaries.json"))["op_list"]:
    for kind in ("inputs", "outputs"):
        for i, tensor in enumerate(entry[kind]):
            assert tensor["index"] == i and tensor["format"] == "ND" and tensor["shape"] == [-2]
            assert tensor["format_match_mode"] == "FormatAgnostic"
    print(*(f'{t["name"]} {t["paramType"]} {t["dtype"]}' for t in entry["inputs"] + entry["outputs"]), sep=", ")
END
) <(python3 - "$work/usual" <<'END'
import re, sys
ini = open(sys.argv[1] + "/autogen/aic-ascend910b-ops-info.ini").read()
tensors = re.findall(r"name=(\w+)\n\w+\.paramType=(\w+)\n\w+\.dtype=(\S+)", ini)
for column in range(5):
    print(*(f'{name} {presence} {dtypes.split(",")[column]}' for name, presence, dtypes in tensors), sep=", ")
END
)

# A type whose file name is not found by a capital alone, another vendor, and a shell that prefers another generator.
export CMAKE_GENERATOR=Ninja
built other AddLNGrad add_ln_grad second "ascend910b ascend950" --soc "ascend910b ascend950" --optype AddLNGrad --vendor second
renamed=$work/add_ln_grad_of_other
check "nothing keeps the old name" fails grep -rnE 'AddLayerNormGrad|add_layer_norm_grad' "$renamed"
check "the kernel has the new one" grep -q 'void add_ln_grad(GM_ADDR dy' "$renamed/op_kernel/add_ln_grad.cpp"
check "and its own include guards and types compile" "${CXX:-c++}" -std=c++11 -Wall -Wextra -Werror -pedantic -fsyntax-only \
  -I "$cann/include" "$renamed"/op_host/*.cpp

# ops-nn collects the sources of op_host by these names.
check "ops-nn finds every source of op_host" test -z \
  "$(cd "$package/op_host" && find . -name '*.c*' ! -name '*_def*.cpp' ! -name '*_infershape*.cpp' ! -name '*_tiling*.cpp')"
exit $failed
