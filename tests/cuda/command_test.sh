#!/usr/bin/env bash
# `alng run`, `forward` and `verify` on the device cuda:model, as a user calls them: the bits of the reference.
#
#   command_test.sh ALNG
set -euo pipefail

alng=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

for options in "--shape 40x776 --dtype bf16" "--shape 9x1021 --dtype fp16 --gamma-dtype fp32" "--shape 20x384 --dtype fp32 --no-dsum"; do
  # shellcheck disable=SC2086  # one word for each option
  "$alng" make -o problem.safetensors $options >made
  for isa in sm_90 sm_80; do
    for command in run forward; do
      "$alng" $command problem.safetensors -o expected.safetensors --device reference >log
      "$alng" $command problem.safetensors -o got.safetensors --device cuda:model --isa $isa >log
      cmp expected.safetensors got.safetensors || {
        echo "FAILED: $command of $options differs from the reference on $isa"
        exit 1
      }
    done
  done
done
"$alng" verify problem.safetensors --device cuda:model >log || {
  cat log
  exit 1
}
