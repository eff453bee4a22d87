// What a row's threads read beside the staged rows, and what they write.
#ifndef ALNG_CUDA_ROW_VALUES_H
#define ALNG_CUDA_ROW_VALUES_H

#include "cuda/row_stages.h"

namespace alng::impl::cuda {

/// A tensor with a value for each column as float32 in shared memory, in the order in which threads read it:
/// [4][threads of a stream] float4, the same for all streams. `absent` where the problem does not have it.
template <class T, class Rows>
class ColumnValues {
 public:
  ALNG_DEVICE ColumnValues(const StageShape& shape, const Self& self, int which)
      : self_(self),
        threads_(32 * shape.warps),
        memory_(reinterpret_cast<float4*>(shared_memory() + shape.values) + which * 4 * threads_) {}

  /// A barrier of the block stands between this and the first read.
  ALNG_DEVICE void fill(const View& view, int columns, float absent) const {
    if (self_.stream != 0) return;
    auto* const memory = reinterpret_cast<float*>(memory_);
#pragma unroll 1
    for (int term = 0; term < own_terms; ++term) {
      const int column = column_of<typename Rows::L>(self_, term / Rows::vector) + term % Rows::vector;
      const bool here = view.data != nullptr && column < columns;
      write_shared(memory + (term / 4 * threads_ + self_.in_row) * 4 + term % 4,
                   here ? load_column<T>(view, column_offset(view, static_cast<std::uint32_t>(column))) : absent);
    }
  }
  /// Of the thread's terms 4 k to 4 k + 3.
  ALNG_DEVICE void read(int k, float* to) const {
    const float4 four = read_shared(memory_ + k * threads_ + self_.in_row);
    to[0] = four.x;
    to[1] = four.y;
    to[2] = four.z;
    to[3] = four.w;
  }

 private:
  const Self self_;
  const int threads_;
  float4* const memory_;
};

/// A thread's chunk to a row of a tensor.
template <class T, int vector>
ALNG_DEVICE void store_chunk(const View& view, std::byte* row, int column, const float* v) {
  if constexpr (vector == 1) {
    // Outputs whose columns have more than one stride are planned as long rows.
    store_element<T>(row + column * view.stride[view.row_rank], v[0]);
  } else {
    write_streamed(reinterpret_cast<uint4*>(row + column * static_cast<int>(sizeof(typename T::Bits))), T::narrow(v));
  }
}

/// -0 in every element: x + -0 is x, bit for bit.
template <class T>
ALNG_DEVICE uint4 minus_zero() {
  constexpr std::uint32_t word = sizeof(typename T::Bits) == 2 ? 0x80008000u : 0x80000000u;
  return uint4{word, word, word, word};
}

}  // namespace alng::impl::cuda

#endif
