#!/usr/bin/env bash
# Builds alng and runs it on a recorded training step of a real transformer (examples/data): the forward, then the gradient
# from the forward's own mean and rstd, each judged. On a Debian machine that has
# nothing but bash, apt and the network to Debian's packages, this is all it takes.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install_packages.sh build

build=build/demo
log=$build/build.log
mkdir -p "$build"
echo "building alng in $build"
# At -O1 and without AVX-512 it compiles in about half the time. The bits are the same.
if ! { cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG" \
  "-DALNG_INSTRUCTION_SETS=avx2;neon" -DALNG_BUILD_ASCEND=OFF -DALNG_BUILD_CANN=OFF -DALNG_BUILD_CUDA_MODEL=OFF \
  -DALNG_BUILD_TESTS=OFF -DALNG_BUILD_EXAMPLES=OFF &&
  cmake --build "$build" --target alng_cli; } >"$log" 2>&1; then
  tail -n 40 "$log" >&2
  echo "The build failed; all of it is in $log." >&2
  exit 1
fi
alng=$build/tools/alng/alng

show() {
  echo
  echo "\$ alng ${*//"$build/"/}"
  "$alng" "$@"
}
for dtype in fp32 bf16; do
  recording=examples/data/minilm_$dtype.safetensors forward=$build/forward_$dtype.safetensors gradients=$build/gradients_$dtype.safetensors
  show forward "$recording" -o "$forward" --eps 1e-12
  show verify "$recording" "$forward" --eps 1e-12
  show run "$recording" --statistics "$forward" -o "$gradients"
  show verify "$recording" "$gradients" --statistics "$forward"
done
