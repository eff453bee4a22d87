// Every kernel of the gradient for one dtype.
#ifndef ALNG_CUDA_GRAD_KERNEL_TABLE_H
#define ALNG_CUDA_GRAD_KERNEL_TABLE_H

#include "cuda/grad/column_pass.h"
#include "cuda/grad/long_rows.h"
#include "cuda/grad/narrow_rows.h"
#include "cuda/grad/row_pass.h"
#include "cuda/kernel_table.h"

namespace alng::impl::cuda {

template <class T, Access access, int row_threads>
Kernel grad_row_pass() noexcept {
  return {{Kind::grad, Pass::rows, dtype_of<T>, access, row_threads},
          ALNG_KERNEL(RowPass, row_pass<T, access, row_threads>)};
}

template <class T, Access access, int lanes>
Kernel grad_narrow_rows() noexcept {
  return {{Kind::grad, Pass::rows, dtype_of<T>, access, lanes},
          ALNG_KERNEL(RowPass, narrow_row_pass<T, access, lanes>)};
}

template <class T>
std::span<const Kernel> grad_kernels() noexcept {
  const auto name = [](Pass pass) { return KernelName{Kind::grad, pass, dtype_of<T>, Access::plain, 0}; };
  static const Kernel table[] = {
      grad_row_pass<T, Access::bulk, 32>(),
      grad_row_pass<T, Access::bulk, 128>(),
      grad_row_pass<T, Access::bulk, 256>(),
      grad_row_pass<T, Access::bulk, 512>(),
      grad_row_pass<T, Access::bulk, cluster_threads>(),
      grad_row_pass<T, Access::own, 32>(),
      grad_row_pass<T, Access::own, 128>(),
      grad_row_pass<T, Access::own, 256>(),
      grad_row_pass<T, Access::own, 512>(),
      grad_row_pass<T, Access::runs, 32>(),
      grad_row_pass<T, Access::runs, 128>(),
      grad_row_pass<T, Access::runs, 256>(),
      grad_row_pass<T, Access::runs, 512>(),
      grad_narrow_rows<T, Access::own, fewest_lanes<T>>(),
      grad_narrow_rows<T, Access::own, 8>(),
      grad_narrow_rows<T, Access::own, 16>(),
      grad_narrow_rows<T, Access::runs, 8>(),
      grad_narrow_rows<T, Access::runs, 16>(),
      {name(Pass::row_sums), ALNG_KERNEL(RowSums, row_sums<T>)},
      {name(Pass::row_means), ALNG_KERNEL(RowMeans, row_means)},
      {name(Pass::long_rows), ALNG_KERNEL(LongRows, long_rows<T>)},
      {name(Pass::columns), ALNG_KERNEL(ColumnPass, column_pass)},
  };
  return table;
}

}  // namespace alng::impl::cuda

#endif
