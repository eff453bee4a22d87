#!/usr/bin/env bash
# On a machine with an NVIDIA GPU, below 8 minutes: builds, runs the tests for GPUs, and measures alng beside a copy of as
# many bytes and beside PyTorch and Triton where Python has them. Writes bench/results/gpu.
#
#   scripts/bench_gpu.sh            builds in build/gpu, for the GPUs that are there
#   scripts/bench_gpu.sh BUILD      with what was built in this folder, as with -DALNG_BUILD_CUDA=ON
#     --quick                       the first rows of the table alone
set -euo pipefail
cd "$(dirname "$0")/.."

build='' quick=()
for argument in "$@"; do
  case $argument in
    --quick) quick=(--quick) ;;
    -*)
      sed -n '5,7p' "$0" >&2
      exit 2
      ;;
    *) build=$argument ;;
  esac
done

if ! nvidia-smi -L >/dev/null 2>&1; then
  echo "bench_gpu.sh: this machine has no NVIDIA GPU, or no driver for it: nvidia-smi -L lists none" >&2
  exit 1
fi
nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,clocks.max.mem --format=csv

if [[ -z $build ]]; then
  build=build/gpu
  scripts/install_packages.sh build test
  if [[ -z ${CUDACXX:-} && -x /usr/local/cuda/bin/nvcc ]]; then export CUDACXX=/usr/local/cuda/bin/nvcc; fi
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DALNG_BUILD_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=native
  cmake --build "$build" -j "$(nproc)" --target alng_cuda alng_cli operator_test
fi
alng=$build/tools/alng/alng

"$alng" info
# Without this a GPU that can't be used would make all tests skip.
"$alng" info | grep -q '^ *\(devices *\)\?cuda:0  *yes' || {
  echo "bench_gpu.sh: alng can't use this machine's GPU; alng info says above why" >&2
  exit 1
}
ALNG_TEST_NEEDS_GPU=1 "$build/tests/operator/operator_test" --gtest_brief=1 --gtest_filter='Fast/Cuda.*:Fast/ForwardCuda.*'
if python3 -c 'import torch, alng.torch' 2>/dev/null; then
  ALNG_TEST_DEVICE=cuda python3 -m pytest -q -p no:cacheprovider python/tests/test_torch.py python/tests/test_torch_models.py
else
  echo "skipped: the tests of alng.torch: Python here has no torch, or no alng"
fi
python3 bench/check_triton.py || echo "bench_gpu.sh: what is measured of Triton below is not the same function"
python3 bench/gpu.py --alng "$alng" --results bench/results/gpu "${quick[@]}"
cat bench/results/gpu/page.md
