// rows_of, gather_row and scatter_row against the definition of a strided tensor.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>
#include <functional>
#include <numeric>
#include <vector>

#include "any_in.h"
#include "problem/rows.h"

namespace alng::impl {
namespace {

std::int64_t product(const TensorLayout& layout, int begin, int end) {
  return std::accumulate(layout.shape.begin() + begin, layout.shape.begin() + end, std::int64_t{1},
                         std::multiplies<>());
}

/// Byte offset by the definition: the row-major index taken apart over all dimensions.
std::int64_t naive_offset(const TensorLayout& layout, std::int64_t index) {
  std::int64_t offset = 0;
  for (int d = layout.rank - 1; d >= 0; --d) {
    offset += index % layout.shape[d] * layout.strides[d];
    index /= layout.shape[d];
  }
  return offset * static_cast<std::int64_t>(dtype_size(layout.dtype));
}

/// A layout of random rank, extents and strides (merging or not, broadcast or not), and how much of it is columns.
struct Sample {
  TensorLayout layout;
  int trailing;

  Rows rows() const { return rows_of(layout, trailing); }
  std::int64_t row_count() const { return product(layout, 0, layout.rank - trailing); }
  std::int64_t columns() const { return product(layout, layout.rank - trailing, layout.rank); }
  std::size_t element_size() const { return dtype_size(layout.dtype); }
  /// Bytes up to the end of the last element.
  std::size_t bytes() const {
    return static_cast<std::size_t>(naive_offset(layout, row_count() * columns() - 1)) + element_size();
  }
};

Sample any_sample() {
  const int rank = static_cast<int>(any_in(1, 7));
  Sample sample;
  sample.trailing = static_cast<int>(any_in(0, rank + 1));
  sample.layout.dtype = *rc::gen::element(DType::float32, DType::float16, DType::bfloat16);
  sample.layout.rank = rank;
  std::int64_t dense = 1;
  for (int d = rank - 1; d >= 0; --d) {
    sample.layout.shape[d] = any_in(1, 5);
    // Three in four continue the dimension inside, so that merged runs of every length occur.
    const bool continues = any_in(0, 4) != 0;
    sample.layout.strides[d] = continues ? dense : any_in(0, 40);
    dense = sample.layout.strides[d] * sample.layout.shape[d];
  }
  return sample;
}

RC_GTEST_PROP(RowsOfProperty, OffsetsAreThoseOfTheDefinition, ()) {
  const Sample sample = any_sample();
  const Rows rows = sample.rows();
  const std::int64_t row_count = sample.row_count(), columns = sample.columns();
  bool dense = true;
  for (std::int64_t r = 0; r < row_count; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      const std::int64_t expected = naive_offset(sample.layout, r * columns + c);
      RC_ASSERT(rows.row.offset(r) + rows.column.offset(c) == expected);
      const auto size = static_cast<std::int64_t>(dtype_size(sample.layout.dtype));
      dense = dense && expected == naive_offset(sample.layout, r * columns) + c * size;
    }
  }
  RC_ASSERT(rows.dense_row == dense);
}

RC_GTEST_PROP(RowsOfProperty, GatherReadsTheRowAndNothingElse, ()) {
  const Sample sample = any_sample();
  const Rows rows = sample.rows();
  const std::int64_t columns = sample.columns();
  const std::size_t size = sample.element_size();
  // Exactly as long as the tensor, so that the sanitizer sees a byte too many.
  std::vector<std::byte> memory(sample.bytes());
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(i * 37 + i / 256);
  const std::int64_t r = any_in(0, sample.row_count());
  std::vector<std::byte> dense(static_cast<std::size_t>(columns) * size + 1, std::byte{0xAB});
  gather_row(rows.column, size, memory.data() + rows.row.offset(r), dense.data(), columns);
  for (std::int64_t c = 0; c < columns; ++c) {
    const std::byte* expected = memory.data() + naive_offset(sample.layout, r * columns + c);
    RC_ASSERT(std::memcmp(dense.data() + static_cast<std::size_t>(c) * size, expected, size) == 0);
  }
  RC_ASSERT(dense.back() == std::byte{0xAB});
}

RC_GTEST_PROP(RowsOfProperty, ScatterWritesTheRowAndNothingElse, ()) {
  const Sample sample = any_sample();
  const Rows rows = sample.rows();
  const std::int64_t columns = sample.columns();
  const std::size_t size = sample.element_size();
  const std::int64_t r = any_in(0, sample.row_count());
  std::vector<std::byte> dense(static_cast<std::size_t>(columns) * size);
  for (std::size_t i = 0; i < dense.size(); ++i) dense[i] = static_cast<std::byte>(i * 11 + 1);
  std::vector<std::byte> expected(sample.bytes(), std::byte{0xAB});
  std::vector<std::byte> memory = expected;
  for (std::int64_t c = 0; c < columns; ++c) {
    std::memcpy(expected.data() + naive_offset(sample.layout, r * columns + c),
                dense.data() + static_cast<std::size_t>(c) * size, size);
  }
  scatter_row(rows.column, size, dense.data(), memory.data() + rows.row.offset(r), columns);
  RC_ASSERT(memory == expected);
}

}  // namespace
}  // namespace alng::impl
