// Every kernel of the gradient for one dtype.
#ifndef ALNG_CUDA_GRAD_KERNEL_TABLE_H
#define ALNG_CUDA_GRAD_KERNEL_TABLE_H

#include "cuda/grad/column_pass.h"
#include "cuda/grad/long_rows.h"
#include "cuda/grad/row_pass.h"
#include "cuda/kernel_table.h"

namespace alng::impl::cuda {

template <class T, Access access, int most_warps>
Kernel grad_row_pass() noexcept {
  return {{Kind::grad, Pass::rows, dtype_of<T>, access, most_warps},
          ALNG_KERNEL(RowPass, row_pass<T, access, most_warps>)};
}

template <class T>
std::span<const Kernel> grad_kernels() noexcept {
  const auto name = [](Pass pass) { return KernelName{Kind::grad, pass, dtype_of<T>, Access::plain, 0}; };
  static const Kernel table[] = {
      grad_row_pass<T, Access::bulk, 1>(),
      grad_row_pass<T, Access::bulk, 4>(),
      grad_row_pass<T, Access::bulk, 8>(),
      grad_row_pass<T, Access::bulk, 16>(),
      grad_row_pass<T, Access::own, 1>(),
      grad_row_pass<T, Access::own, 4>(),
      grad_row_pass<T, Access::own, 8>(),
      grad_row_pass<T, Access::own, 16>(),
      grad_row_pass<T, Access::words, 1>(),
      grad_row_pass<T, Access::words, 4>(),
      grad_row_pass<T, Access::words, 8>(),
      grad_row_pass<T, Access::words, 16>(),
      {name(Pass::row_sums), ALNG_KERNEL(RowSums, row_sums<T>)},
      {name(Pass::row_means), ALNG_KERNEL(RowMeans, row_means)},
      {name(Pass::long_rows), ALNG_KERNEL(LongRows, long_rows<T>)},
      {name(Pass::columns), ALNG_KERNEL(ColumnPass, column_pass)},
  };
  return table;
}

}  // namespace alng::impl::cuda

#endif
