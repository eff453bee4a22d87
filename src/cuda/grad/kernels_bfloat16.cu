#include "cuda/grad/kernel_table.h"

namespace alng::impl::cuda {
std::span<const Kernel> grad_kernels_bfloat16() noexcept { return grad_kernels<BFloat16>(); }
}  // namespace alng::impl::cuda
