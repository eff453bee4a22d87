#!/usr/bin/env bash
# The aarch64 build under qemu, on a processor without SVE and with SVE vectors of 128, 256, 512 and 2048 bits: the operator
# test's cases that depend on vectors most (all of them would take half an hour), and whether forwards and gradients
# computed here and there are the same files, byte by byte.
#
#   tests/aarch64/run.sh NATIVE-BUILD AARCH64-BUILD
set -euo pipefail
native=$1/tools/alng/alng
emulator=(qemu-aarch64 -L /usr/aarch64-linux-gnu)
foreign=("${emulator[@]}" "$2/tools/alng/alng")
cases='ForcedInstructionSet.*'
for name in columns_1 rows_3 denormal nan_inf signed_zero huge mixed column_strided; do cases+=":Fast/Cpu.*/$name*:Fast/ForwardCpu.*/$name*"; done
work=$2/bits
rm -rf "$work"
mkdir -p "$work"
passed=0 failed=0

# A filter that matches nothing would pass too.
operator_test() { # QEMU-CPU
  if QEMU_CPU=$1 "${emulator[@]}" "$2/tests/operator/operator_test" --gtest_brief=1 --gtest_filter="$cases" \
    >"$work/operator.$1.log" 2>&1 && grep -q 'PASSED.* [1-9][0-9]* tests' "$work/operator.$1.log"; then
    echo "ok      operator_test on $1"
  else
    echo "FAILED  operator_test on $1"
    tail -n 40 "$work/operator.$1.log"
    return 1
  fi
}

check() { # NAME ISA QEMU-CPU
  local out="$work/$1.$2.safetensors" command
  for command in forward run; do
    rm -f "$out"
    if QEMU_CPU=$3 "${foreign[@]}" "$command" "$work/$1.safetensors" -o "$out" --isa "$2" --threads 3 >"$work/last.log" 2>&1 &&
      cmp "$work/$1.here.$command.safetensors" "$out"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
      echo "FAILED  alng $command of $1 with $2 on $3"
      cat "$work/last.log"
    fi
  done
}

make_and_check() { # NAME MAKE-ARGUMENT...
  local name=$1
  shift
  "$native" make -o "$work/$name.safetensors" "$@" >/dev/null
  local command
  for command in forward run; do
    "$native" "$command" "$work/$name.safetensors" -o "$work/$name.here.$command.safetensors" >/dev/null
  done
  check "$name" scalar cortex-a57
  check "$name" neon cortex-a57
  for vector in 1 2 4; do check "$name" sve max,sve-max-vq=$vector; done
}

# Two at once: each runs for about a minute.
for pair in "cortex-a57 max,sve-max-vq=1" "max,sve-max-vq=2 max,sve-max-vq=4" "max,sve-max-vq=16"; do
  runs=()
  for processor in $pair; do
    operator_test "$processor" "$2" &
    runs+=($!)
  done
  for run in "${runs[@]}"; do
    if wait "$run"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  done
done

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
