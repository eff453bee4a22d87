#include "cuda/forward/kernel_table.h"

namespace alng::impl::cuda {
std::span<const Kernel> forward_kernels_float16() noexcept { return forward_kernels<Float16>(); }
}  // namespace alng::impl::cuda
