// A tensor as kernels see it: rows of columns with any strides (problem/rows.h), by value in a kernel's parameters.
#ifndef ALNG_CUDA_VIEW_H
#define ALNG_CUDA_VIEW_H

#include <cstddef>
#include <cstdint>

namespace alng::impl::cuda {

struct View {
  /// Null where the problem does not have the tensor.
  std::byte* data;
  /// gamma and beta may be float32 beside 16-bit tensors.
  bool is_float32;
  std::int8_t row_rank, column_rank;
  /// Of the rows' dimensions, then of the columns', outermost first; strides in bytes. Each has at least one, of the 8
  /// that there are in all.
  std::int64_t extent[9], stride[9];
};

}  // namespace alng::impl::cuda

#endif
