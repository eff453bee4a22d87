// Kernel::function of a kernel, for the table of its source.
#ifndef ALNG_CUDA_KERNEL_TABLE_H
#define ALNG_CUDA_KERNEL_TABLE_H

#include "cuda/device.h"
#include "cuda/launch.h"

namespace alng::impl::cuda {

template <class T>
inline constexpr DType dtype_of = DType::float32;
template <>
inline constexpr DType dtype_of<Float16> = DType::float16;
template <>
inline constexpr DType dtype_of<BFloat16> = DType::bfloat16;

/// The fewest that a row read in vectors has: 4 of 16-bit elements, 8 of float32.
template <class T>
inline constexpr int fewest_lanes = 32 / T::vector;

#ifdef __CUDACC__
template <class Parameters>
const void* function_of(void (*kernel)(Parameters)) noexcept {
  return reinterpret_cast<const void*>(kernel);
}
#define ALNG_KERNEL(Parameters, ...) function_of<const Parameters>(&__VA_ARGS__)
#else
template <class Parameters, void (*kernel)(Parameters)>
void on_host(const void* parameters) {
  kernel(*static_cast<const Parameters*>(parameters));
}
#define ALNG_KERNEL(Parameters, ...) reinterpret_cast<const void*>(&on_host<Parameters, &__VA_ARGS__>)
#endif

}  // namespace alng::impl::cuda

#endif
