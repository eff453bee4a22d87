// Elements of a View.
#ifndef ALNG_CUDA_ACCESS_H
#define ALNG_CUDA_ACCESS_H

#include "cuda/elements.h"
#include "cuda/view.h"

namespace alng::impl::cuda {

ALNG_DEVICE std::int64_t strided_offset(const View& view, int first, int rank, std::int64_t index) {
  if (rank == 1) return index * view.stride[first];
  std::int64_t bytes = 0;
  for (int d = first + rank - 1; d > first; --d) {
    bytes += index % view.extent[d] * view.stride[d];
    index /= view.extent[d];
  }
  return bytes + index * view.stride[first];
}
ALNG_DEVICE std::byte* row_of(const View& view, std::int64_t row) {
  return view.data + strided_offset(view, 0, view.row_rank, row);
}
ALNG_DEVICE std::int64_t column_offset(const View& view, std::int64_t column) {
  return strided_offset(view, view.row_rank, view.column_rank, column);
}

template <class T>
ALNG_DEVICE float load_element(const std::byte* at) {
  return T::widen_one(read_global(reinterpret_cast<const typename T::Bits*>(at)));
}
template <class T>
ALNG_DEVICE void store_element(std::byte* at, float value) {
  write_streamed(reinterpret_cast<typename T::Bits*>(at), T::narrow_one(value));
}

/// Of a tensor of T or float32 with a value for each column.
template <class T>
ALNG_DEVICE float load_column(const View& view, std::int64_t column) {
  const std::byte* at = view.data + column_offset(view, column);
  return view.is_float32 ? load_element<Float32>(at) : load_element<T>(at);
}
/// Of a tensor with a value for each row.
ALNG_DEVICE float load_statistic(const View& view, std::int64_t row) { return load_element<Float32>(row_of(view, row)); }

}  // namespace alng::impl::cuda

#endif
