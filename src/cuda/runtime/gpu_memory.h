// The memory of each GPU, for callers whose data is in the host's.
#ifndef ALNG_CUDA_RUNTIME_GPU_MEMORY_H
#define ALNG_CUDA_RUNTIME_GPU_MEMORY_H

#include "plan/backend.h"

namespace alng::impl::cuda {

const Memory& gpu_memory(int gpu) noexcept;

}  // namespace alng::impl::cuda

#endif
