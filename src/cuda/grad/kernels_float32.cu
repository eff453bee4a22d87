#include "cuda/grad/kernel_table.h"

namespace alng::impl::cuda {
std::span<const Kernel> grad_kernels_float32() noexcept { return grad_kernels<Float32>(); }
}  // namespace alng::impl::cuda
