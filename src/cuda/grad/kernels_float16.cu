#include "cuda/grad/kernel_table.h"

namespace alng::impl::cuda {
std::span<const Kernel> grad_kernels_float16() noexcept { return grad_kernels<Float16>(); }
}  // namespace alng::impl::cuda
