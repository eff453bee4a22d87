#include "cuda/forward/kernel_table.h"

namespace alng::impl::cuda {
std::span<const Kernel> forward_kernels_float32() noexcept { return forward_kernels<Float32>(); }
}  // namespace alng::impl::cuda
