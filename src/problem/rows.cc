#include "problem/rows.h"

#include <algorithm>
#include <cstring>

namespace alng::impl {
namespace {

/// Dimensions [begin, end) of a layout, neighbours merged where stepping through the inner one ends where the outer one
/// steps to.
StridedDims merge(const TensorLayout& layout, int begin, int end) noexcept {
  const std::int64_t element = static_cast<std::int64_t>(dtype_size(layout.dtype));
  StridedDims dims;
  dims.rank = 0;
  for (int d = begin; d < end; ++d) {
    const std::int64_t extent = layout.shape[d];
    if (extent == 1) continue;
    const std::int64_t stride = layout.strides[d] * element;
    const int outer = dims.rank - 1;
    std::int64_t reach;
    if (outer >= 0 && !__builtin_mul_overflow(extent, stride, &reach) && dims.stride[outer] == reach) {
      dims.extent[outer] *= extent;
      dims.stride[outer] = stride;
    } else {
      dims.extent[dims.rank] = extent;
      dims.stride[dims.rank] = stride;
      ++dims.rank;
    }
  }
  if (dims.rank == 0) return StridedDims{};
  return dims;
}

/// Dimensions of a tensor without elements: the strides may be anything, so they are not computed with, and there is no
/// extent of 0 that offset() would divide by.
StridedDims flatten_empty(const TensorLayout& layout, int begin, int end) noexcept {
  StridedDims dims;
  const auto* first = layout.shape.data() + begin;
  const auto* last = layout.shape.data() + end;
  if (std::find(first, last, 0) != last) {
    dims.extent[0] = 0;
    return dims;
  }
  for (const auto* extent = first; extent != last; ++extent) dims.extent[0] *= *extent;
  return dims;
}

template <std::size_t element>
void gather_strided(const std::byte* from, std::int64_t stride, std::byte* to, std::int64_t count) noexcept {
  for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * std::int64_t{element}, from + i * stride, element);
}

template <std::size_t element>
void scatter_strided(const std::byte* from, std::byte* to, std::int64_t stride, std::int64_t count) noexcept {
  for (std::int64_t i = 0; i < count; ++i) std::memcpy(to + i * stride, from + i * std::int64_t{element}, element);
}

/// Calls `run(offset, index, count)` for every run along the innermost dimension: `count` elements from byte `offset`
/// of the strided row on, the first of them column `index`.
template <class Run>
void for_each_run(const StridedDims& column, std::int64_t columns, Run run) noexcept {
  const int inner = column.rank - 1;
  if (inner == 0) {
    if (columns > 0) run(std::int64_t{0}, std::int64_t{0}, columns);
    return;
  }
  std::array<std::int64_t, max_rank> index{};
  std::int64_t offset = 0;
  for (std::int64_t done = 0; done < columns;) {
    const std::int64_t count = std::min(column.extent[inner], columns - done);
    run(offset, done, count);
    done += count;
    for (int d = inner - 1; d >= 0; --d) {
      if (++index[d] < column.extent[d]) {
        offset += column.stride[d];
        break;
      }
      offset -= (column.extent[d] - 1) * column.stride[d];
      index[d] = 0;
    }
  }
}

}  // namespace

Rows rows_of(const TensorLayout& layout, int trailing) noexcept {
  Rows rows;
  rows.dtype = layout.dtype;
  const int leading = layout.rank - trailing;
  const auto* end = layout.shape.data() + layout.rank;
  if (std::find(layout.shape.data(), end, 0) != end) {
    rows.row = flatten_empty(layout, 0, leading);
    rows.column = flatten_empty(layout, leading, layout.rank);
    rows.dense_row = true;
    return rows;
  }
  rows.row = merge(layout, 0, leading);
  rows.column = merge(layout, leading, layout.rank);
  const std::int64_t element = static_cast<std::int64_t>(dtype_size(layout.dtype));
  rows.dense_row = rows.column.rank == 1 && (rows.column.extent[0] == 1 || rows.column.stride[0] == element);
  return rows;
}

Rows rows_of(const Problem& problem, std::size_t place) noexcept {
  const bool of_rows = problem.what().operands[place].role == Role::row;
  return rows_of(*problem.layout(place), of_rows ? 0 : problem.normalized_dims());
}

void gather_row(const StridedDims& column, std::size_t element, const std::byte* row, std::byte* dense,
                std::int64_t columns) noexcept {
  const std::int64_t size = static_cast<std::int64_t>(element);
  const std::int64_t stride = column.stride[column.rank - 1];
  for_each_run(column, columns, [=](std::int64_t offset, std::int64_t index, std::int64_t count) {
    const std::byte* from = row + offset;
    std::byte* to = dense + index * size;
    if (stride == size) {
      std::memcpy(to, from, static_cast<std::size_t>(count * size));
    } else if (element == 2) {
      gather_strided<2>(from, stride, to, count);
    } else {
      gather_strided<4>(from, stride, to, count);
    }
  });
}

void scatter_row(const StridedDims& column, std::size_t element, const std::byte* dense, std::byte* row,
                 std::int64_t columns) noexcept {
  const std::int64_t size = static_cast<std::int64_t>(element);
  const std::int64_t stride = column.stride[column.rank - 1];
  for_each_run(column, columns, [=](std::int64_t offset, std::int64_t index, std::int64_t count) {
    const std::byte* from = dense + index * size;
    std::byte* to = row + offset;
    if (stride == size) {
      std::memcpy(to, from, static_cast<std::size_t>(count * size));
    } else if (element == 2) {
      scatter_strided<2>(from, to, stride, count);
    } else {
      scatter_strided<4>(from, to, stride, count);
    }
  });
}

}  // namespace alng::impl
