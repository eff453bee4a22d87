#include "cuda/forward/kernel_table.h"

namespace alng::impl::cuda {
std::span<const Kernel> forward_kernels_bfloat16() noexcept { return forward_kernels<BFloat16>(); }
}  // namespace alng::impl::cuda
