// A tensor seen as rows of columns: its leading dimensions flattened to a row index, its trailing (normalised) ones to
// a column index, neighbouring dimensions merged where their strides allow.
#ifndef ALNG_PROBLEM_ROWS_H
#define ALNG_PROBLEM_ROWS_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "alng/tensor.hpp"
#include "problem/problem.h"

namespace alng::impl {

/// Nested dimensions after merging, outermost first; strides in bytes. `rank` is at least 1 (a single extent-1
/// dimension where there is none).
struct StridedDims {
  int rank = 1;
  std::array<std::int64_t, max_rank> extent{1};
  std::array<std::int64_t, max_rank> stride{0};

  /// Byte offset of the element with this row-major index.
  std::int64_t offset(std::int64_t index) const noexcept {
    if (rank == 1) return index * stride[0];
    std::int64_t bytes = 0;
    for (int d = rank - 1; d > 0; --d) {
      bytes += (index % extent[d]) * stride[d];
      index /= extent[d];
    }
    return bytes + index * stride[0];
  }
};

struct Rows {
  DType dtype = DType::float32;
  StridedDims row;     // of the leading dimensions
  StridedDims column;  // of the trailing dimensions
  /// The columns of a row lie next to each other: a row can be read in place.
  bool dense_row = false;
};

/// `trailing` of the layout's last dimensions are columns. The layout is valid. For rstd and mean 0 serves both of
/// their forms: trailing 1s vanish. A tensor without elements has strides of 0, whatever its layout says.
Rows rows_of(const TensorLayout& layout, int trailing) noexcept;

/// Of a tensor that the problem has; its role tells which of its dimensions are columns.
Rows rows_of(const Problem& problem, std::size_t place) noexcept;

/// Copies one row of `columns` elements of `element` bytes (2 or 4) between a strided tensor and dense memory. `row` is
/// the address of the row's first element; `dense` may have any alignment.
void gather_row(const StridedDims& column, std::size_t element, const std::byte* row, std::byte* dense,
                std::int64_t columns) noexcept;
void scatter_row(const StridedDims& column, std::size_t element, const std::byte* dense, std::byte* row,
                 std::int64_t columns) noexcept;

}  // namespace alng::impl

#endif
