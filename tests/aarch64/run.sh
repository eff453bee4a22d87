#!/usr/bin/env bash
# The same bits on another machine: gradients computed here and by the aarch64 build under qemu, with every instruction set
# and SVE vectors of 128, 256 and 512 bits, compared byte by byte.
#
#   tests/aarch64/run.sh NATIVE-BUILD AARCH64-BUILD
set -euo pipefail
native=$1/tools/alng/alng
foreign=(qemu-aarch64 -L /usr/aarch64-linux-gnu "$2/tools/alng/alng")
work=$2/bits
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0

check() { # NAME ISA QEMU-CPU
  local out="$work/$1.$2.safetensors"
  rm -f "$out"
  if QEMU_CPU=$3 "${foreign[@]}" run "$work/$1.safetensors" -o "$out" --isa "$2" --threads 3 >"$work/last.log" 2>&1 &&
    cmp "$work/$1.here.safetensors" "$out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED  $1 with $2 on $3"
    cat "$work/last.log"
  fi
}

make_and_check() { # NAME MAKE-ARGUMENT...
  local name=$1
  shift
  "$native" make -o "$work/$name.safetensors" "$@" >/dev/null
  "$native" run "$work/$name.safetensors" -o "$work/$name.here.safetensors" >/dev/null
  check "$name" scalar cortex-a57
  check "$name" neon cortex-a57
  for vector in 1 2 4; do check "$name" sve max,sve-max-vq=$vector; done
}

make_and_check bf16 --shape 512x1600 --dtype bf16
make_and_check fp16 --shape 512x1600 --dtype fp16
make_and_check fp32 --shape 512x1600 --dtype fp32
make_and_check long_rows --shape 33x12289 --dtype bf16
make_and_check short_rows --shape 3000x7 --dtype fp16
make_and_check no_gamma --shape 300x769 --dtype fp32 --no-gamma
make_and_check no_dsum --shape 300x769 --dtype bf16 --no-dsum

# What a processor lacks is refused in words, not by an illegal instruction.
if QEMU_CPU=cortex-a57 "${foreign[@]}" run "$work/fp32.safetensors" -o "$work/refused" --isa sve 2>"$work/last.log"; then
  echo "FAILED  sve is accepted on a processor without SVE"
  failed=$((failed + 1))
elif grep -q 'SVE' "$work/last.log"; then
  passed=$((passed + 1))
else
  echo "FAILED  the refusal of sve does not say why:"
  cat "$work/last.log"
  failed=$((failed + 1))
fi
rm -rf "$work"

echo "aarch64: $passed passed, $failed failed"
((failed == 0))
