// The GPUs of this machine as the CUDA runtime sees them, and what it answers, in sentences.
#ifndef ALNG_CUDA_RUNTIME_GPUS_H
#define ALNG_CUDA_RUNTIME_GPUS_H

#include <cuda_runtime_api.h>

#include <string>

#include "alng/status.hpp"
#include "cuda/gpu.h"

namespace alng::impl::cuda {

/// No machine has more. Higher ones are not used.
inline constexpr int most_gpus = 64;

/// "cuda:3", of static storage.
const char* gpu_name(int gpu) noexcept;

/// At least 1, or a sentence that says why there is none.
Result<int> gpu_count();

/// What planning has to know of a GPU that is there.
Result<Gpu> gpu_facts(int gpu);

/// "NVIDIA H200, sm_90, 132 multiprocessors, 140 GiB". May take milliseconds.
std::string describe_gpu(int gpu, const Gpu& facts);

/// Empty, or why there is no kernel for a GPU of this architecture.
std::string why_not(const Gpu& facts);

/// "cudaErrorIllegalAddress: an illegal memory access was encountered", and what it tells where that is not plain. The
/// calling thread's last error is forgotten.
std::string in_words(cudaError_t error);

/// `device_error`: the GPU refused to `what`, or found at it what a kernel before had done.
Status device_error(int gpu, const char* what, cudaError_t error) noexcept;

/// Makes a GPU the calling thread's current one, and the one before again when it ends.
class OnGpu {
 public:
  explicit OnGpu(int gpu) noexcept;
  ~OnGpu();
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;
  cudaError_t error() const noexcept { return error_; }

 private:
  int before_ = 0;
  bool changed_ = false;
  cudaError_t error_;
};

}  // namespace alng::impl::cuda

#endif
