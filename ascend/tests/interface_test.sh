#!/usr/bin/env bash
# The kernel as a compiler sees it that knows CANN's declarations exactly (interface/kernel_operator.h): no warning of any
# kind, pointers to global memory and to UB apart, and in vector functions only what they may hold.
#
#   interface_test.sh SOURCE_DIR [KERNEL_DIR]
#
# 77 where there is no such compiler. KERNEL_DIR: by default SOURCE_DIR/ascend/op_kernel.
set -euo pipefail

source_dir=$(realpath "$1")
kernel=$(realpath "${2:-$source_dir/ascend/op_kernel}")
compiler=$(command -v clang++-14 || true)
if [ ! "$compiler" ]; then
  echo "skipped: there is no clang++-14"
  exit 77
fi
failed=0

# compiles ARCHITECTURE DTYPE GAMMA [OPTION]
compiles() {
  local architecture=$1 dtype=$2 gamma=$3
  shift 3
  "$compiler" -std=c++17 -fsyntax-only -Weverything -Werror -Wno-c++98-compat -Wno-c++98-compat-pedantic -Wno-padded \
    -isystem "$source_dir/ascend/tests/interface" -DALNG_NPU_ARCH="$architecture" -DDTYPE_DY="$dtype" \
    -DDTYPE_GAMMA="$gamma" -Wno-missing-prototypes "$@" "$kernel"/*.cpp
}
for architecture in 2201 3510; do
  while read -r dtype gamma; do
    if compiles $architecture "$dtype" "$gamma" && compiles $architecture "$dtype" "$gamma" -DALNG_ADDRESSES_ARE_NUMBERS; then
      echo "ok      architecture $architecture, $dtype, gamma $gamma"
    else
      failed=1
    fi
  done <<'END'
float float
half half
bfloat16_t bfloat16_t
half float
bfloat16_t float
END
done

# A vector function is straight code and loops of one form: a uint16_t from 0 in steps of 1.
python3 - "$kernel" <<'END' || failed=1
import re, sys
from pathlib import Path

wrong = 0
functions = 0
for file in sorted(Path(sys.argv[1]).rglob("*.h")):
    text = re.sub(r"//.*", "", file.read_text())
    for scope in re.finditer(r"__VEC_SCOPE__ \{", text):
        functions += 1
        depth, end = 1, scope.end()
        while depth > 0:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        body = text[scope.end() : end]
        line = text[: scope.start()].count("\n") + 1
        found = re.findall(r"\b(?:continue|break|goto|return|while|switch)\b|\bif (?!constexpr)[^\n]*", body)
        found += [
            loop
            for loop in re.findall(r"\bfor \([^\n]*", body)
            if not re.match(r"for \(uint16_t (\w+) = 0; \1 < \w+; \+\+\1\)", loop)
        ]
        for what in found:
            print(f"FAILED  {file.name}:{line}: a vector function has `{what}`")
            wrong = 1
if functions == 0:
    print("FAILED  no vector function found")
sys.exit(wrong or functions == 0)
END
exit $failed
