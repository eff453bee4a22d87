// Elements of a View.
#ifndef ALNG_CUDA_ACCESS_H
#define ALNG_CUDA_ACCESS_H

#include "cuda/elements.h"
#include "cuda/view.h"

namespace alng::impl::cuda {

// Divisions of 64 bits are calls, and around a call registers are spilled: where rows are read once, `Index` has 32.
template <class Index>
ALNG_DEVICE std::int64_t strided_offset(const View& view, int first, int rank, Index index) {
  std::int64_t bytes = 0;
#pragma unroll 1
  for (int d = first + rank - 1; d > first; --d) {
    const auto extent = static_cast<Index>(view.extent[d]);
    bytes += static_cast<std::int64_t>(index % extent) * view.stride[d];
    index /= extent;
  }
  return bytes + static_cast<std::int64_t>(index) * view.stride[first];
}
template <class Index>
ALNG_DEVICE std::byte* row_of(const View& view, Index row) {
  return view.data + strided_offset(view, 0, view.row_rank, row);
}
template <class Index>
ALNG_DEVICE std::int64_t column_offset(const View& view, Index column) {
  return strided_offset(view, view.row_rank, view.column_rank, column);
}
// Not inlined: its divisions, once for each of a thread's columns, would be most of a kernel.
ALNG_DEVICE_CALL std::int64_t nested_column_offset(const View& view, std::int64_t column) {
  return column_offset(view, column);
}
/// The same, for loops over a thread's columns.
ALNG_DEVICE std::int64_t near_column_offset(const View& view, std::int64_t column) {
  return view.column_rank == 1 ? column * view.stride[view.row_rank] : nested_column_offset(view, column);
}

template <class T>
ALNG_DEVICE float load_element(const std::byte* at) {
  return T::widen_one(read_global(reinterpret_cast<const typename T::Bits*>(at)));
}
template <class T>
ALNG_DEVICE void store_element(std::byte* at, float value) {
  write_streamed(reinterpret_cast<typename T::Bits*>(at), T::narrow_one(value));
}

/// A row of a tensor of T, read element by element; `absent` where the problem does not have the tensor.
template <class T>
class RowElements {
 public:
  ALNG_DEVICE RowElements(const View& view, std::int64_t row)
      : view_(view), row_(view.data != nullptr ? row_of(view, row) : nullptr) {}
  ALNG_DEVICE float load(std::int64_t column, float absent) const {
    return row_ != nullptr ? load_element<T>(row_ + near_column_offset(view_, column)) : absent;
  }

 private:
  const View& view_;
  const std::byte* const row_;
};

/// Of a tensor of T or float32 with a value for each column, at this offset.
template <class T>
ALNG_DEVICE float load_column(const View& view, std::int64_t offset) {
  const std::byte* at = view.data + offset;
  return view.is_float32 ? load_element<Float32>(at) : load_element<T>(at);
}
/// Of a tensor with a value for each row.
template <class Index>
ALNG_DEVICE float load_statistic(const View& view, Index row) {
  return load_element<Float32>(row_of(view, row));
}

}  // namespace alng::impl::cuda

#endif
