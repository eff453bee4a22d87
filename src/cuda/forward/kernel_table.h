// Every kernel of the forward for one dtype.
#ifndef ALNG_CUDA_FORWARD_KERNEL_TABLE_H
#define ALNG_CUDA_FORWARD_KERNEL_TABLE_H

#include "cuda/forward/long_rows.h"
#include "cuda/forward/row_pass.h"
#include "cuda/kernel_table.h"

namespace alng::impl::cuda {

template <class T, Access access, int row_threads>
Kernel forward_rows() noexcept {
  return {{Kind::forward, Pass::rows, dtype_of<T>, access, row_threads},
          ALNG_KERNEL(ForwardRows, forward_row_pass<T, access, row_threads>)};
}

template <class T>
std::span<const Kernel> forward_kernels() noexcept {
  const auto name = [](Pass pass) { return KernelName{Kind::forward, pass, dtype_of<T>, Access::plain, 0}; };
  static const Kernel table[] = {
      forward_rows<T, Access::bulk, 32>(),
      forward_rows<T, Access::bulk, 128>(),
      forward_rows<T, Access::bulk, 256>(),
      forward_rows<T, Access::bulk, 512>(),
      forward_rows<T, Access::bulk, cluster_threads>(),
      forward_rows<T, Access::own, 32>(),
      forward_rows<T, Access::own, 128>(),
      forward_rows<T, Access::own, 256>(),
      forward_rows<T, Access::own, 512>(),
      forward_rows<T, Access::runs, 32>(),
      forward_rows<T, Access::runs, 128>(),
      forward_rows<T, Access::runs, 256>(),
      forward_rows<T, Access::runs, 512>(),
      forward_rows<T, Access::own, fewest_lanes<T>>(),
      forward_rows<T, Access::own, 8>(),
      forward_rows<T, Access::own, 16>(),
      forward_rows<T, Access::runs, 8>(),
      forward_rows<T, Access::runs, 16>(),
      {name(Pass::long_rows), ALNG_KERNEL(ForwardRows, forward_long_rows<T>)},
      {name(Pass::statistics), ALNG_KERNEL(EmptyStatistics, empty_statistics)},
  };
  return table;
}

}  // namespace alng::impl::cuda

#endif
