// Every kernel of the forward for one dtype.
#ifndef ALNG_CUDA_FORWARD_KERNEL_TABLE_H
#define ALNG_CUDA_FORWARD_KERNEL_TABLE_H

#include "cuda/forward/long_rows.h"
#include "cuda/forward/row_pass.h"
#include "cuda/kernel_table.h"

namespace alng::impl::cuda {

template <class T, Access access, int most_warps>
Kernel forward_rows() noexcept {
  return {{Kind::forward, Pass::rows, dtype_of<T>, access, most_warps},
          ALNG_KERNEL(ForwardRows, forward_row_pass<T, access, most_warps>)};
}

template <class T>
std::span<const Kernel> forward_kernels() noexcept {
  const auto name = [](Pass pass) { return KernelName{Kind::forward, pass, dtype_of<T>, Access::plain, 0}; };
  static const Kernel table[] = {
      forward_rows<T, Access::bulk, 1>(),
      forward_rows<T, Access::bulk, 4>(),
      forward_rows<T, Access::bulk, 8>(),
      forward_rows<T, Access::bulk, 16>(),
      forward_rows<T, Access::own, 1>(),
      forward_rows<T, Access::own, 4>(),
      forward_rows<T, Access::own, 8>(),
      forward_rows<T, Access::own, 16>(),
      forward_rows<T, Access::words, 1>(),
      forward_rows<T, Access::words, 4>(),
      forward_rows<T, Access::words, 8>(),
      forward_rows<T, Access::words, 16>(),
      {name(Pass::long_rows), ALNG_KERNEL(ForwardRows, forward_long_rows<T>)},
      {name(Pass::statistics), ALNG_KERNEL(EmptyStatistics, empty_statistics)},
  };
  return table;
}

}  // namespace alng::impl::cuda

#endif
