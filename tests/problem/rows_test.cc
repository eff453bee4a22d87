#include "problem/rows.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <vector>

namespace alng::impl {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

using Numbers = std::vector<std::int64_t>;

Numbers extents(const StridedDims& dims) { return {dims.extent.begin(), dims.extent.begin() + dims.rank}; }
Numbers strides(const StridedDims& dims) { return {dims.stride.begin(), dims.stride.begin() + dims.rank}; }

TEST(RowsOf, DenseTensorIsOneDimensionOfRowsAndOneOfColumns) {
  const Rows rows = rows_of(TensorLayout::contiguous(DType::bfloat16, {2, 3, 4, 5}), 2);
  EXPECT_EQ(rows.dtype, DType::bfloat16);
  EXPECT_EQ(extents(rows.row), (Numbers{6}));
  EXPECT_EQ(strides(rows.row), (Numbers{40}));
  EXPECT_EQ(extents(rows.column), (Numbers{20}));
  EXPECT_EQ(strides(rows.column), (Numbers{2}));
  EXPECT_TRUE(rows.dense_row);
}

TEST(RowsOf, RowStrideKeepsTheRowDense) {
  const Rows rows = rows_of(TensorLayout::strided(DType::float32, Numbers{64, 768}, Numbers{1536, 1}), 1);
  EXPECT_EQ(strides(rows.row), (Numbers{6144}));
  EXPECT_TRUE(rows.dense_row);
}

// vllm-xpu-kernels PR 397: at rank 3 the first stride is not the distance between rows.
TEST(RowsOf, LeadingDimensionsThatDontMergeStayTwo) {
  const Rows rows = rows_of(TensorLayout::strided(DType::float32, Numbers{2, 3, 4}, Numbers{100, 8, 1}), 1);
  EXPECT_EQ(extents(rows.row), (Numbers{2, 3}));
  EXPECT_EQ(strides(rows.row), (Numbers{400, 32}));
  EXPECT_TRUE(rows.dense_row);
}

TEST(RowsOf, TransposedRowIsNotDense) {
  const Rows rows = rows_of(TensorLayout::strided(DType::float32, Numbers{3, 4}, Numbers{1, 3}), 1);
  EXPECT_EQ(strides(rows.row), (Numbers{4}));
  EXPECT_EQ(strides(rows.column), (Numbers{12}));
  EXPECT_FALSE(rows.dense_row);
}

TEST(RowsOf, ColumnsInTwoPiecesAreNotDense) {
  const Rows rows = rows_of(TensorLayout::strided(DType::float16, Numbers{2, 3, 4}, Numbers{30, 10, 1}), 2);
  EXPECT_EQ(extents(rows.column), (Numbers{3, 4}));
  EXPECT_EQ(strides(rows.column), (Numbers{20, 2}));
  EXPECT_FALSE(rows.dense_row);
}

TEST(RowsOf, ExtentsOfOneVanishWhateverTheirStride) {
  const Rows rows =
      rows_of(TensorLayout::strided(DType::float32, Numbers{1, 3, 1, 1, 4}, Numbers{-7, 4, largest, 0, 1}), 2);
  EXPECT_EQ(extents(rows.row), (Numbers{3}));
  EXPECT_EQ(strides(rows.row), (Numbers{16}));
  EXPECT_EQ(extents(rows.column), (Numbers{4}));
  EXPECT_TRUE(rows.dense_row);
}

TEST(RowsOf, OneElementIsOneRowOfOneColumn) {
  const Rows rows = rows_of(TensorLayout::strided(DType::float32, Numbers{1}, Numbers{9}), 1);
  EXPECT_EQ(extents(rows.row), (Numbers{1}));
  EXPECT_EQ(extents(rows.column), (Numbers{1}));
  EXPECT_TRUE(rows.dense_row);
  EXPECT_EQ(rows.row.offset(0), 0);
}

TEST(RowsOf, OneStridedColumnIsDense) {
  EXPECT_TRUE(rows_of(TensorLayout::strided(DType::float32, Numbers{5, 1}, Numbers{3, 3}), 1).dense_row);
}

TEST(RowsOf, BroadcastDimensionsMerge) {
  const Rows rows = rows_of(TensorLayout::strided(DType::float32, Numbers{2, 3, 4}, Numbers{0, 0, 1}), 1);
  EXPECT_EQ(extents(rows.row), (Numbers{6}));
  EXPECT_EQ(strides(rows.row), (Numbers{0}));
}

TEST(RowsOf, StatisticsLookTheSameWithAndWithoutTrailingOnes) {
  const Rows with = rows_of(TensorLayout::contiguous(DType::float32, {4, 5, 1, 1}), 0);
  const Rows without = rows_of(TensorLayout::contiguous(DType::float32, {4, 5}), 0);
  for (const Rows* rows : {&with, &without}) {
    EXPECT_EQ(extents(rows->row), (Numbers{20}));
    EXPECT_EQ(strides(rows->row), (Numbers{4}));
    EXPECT_EQ(extents(rows->column), (Numbers{1}));
  }
}

TEST(RowsOf, EmptyTensorsHaveNoStridesAndDivideByNothing) {
  const Rows no_rows =
      rows_of(TensorLayout::strided(DType::float32, Numbers{0, 3, 4}, Numbers{largest, largest, 1}), 1);
  EXPECT_EQ(extents(no_rows.row), (Numbers{0}));
  EXPECT_EQ(extents(no_rows.column), (Numbers{4}));
  EXPECT_EQ(no_rows.row.offset(0), 0);
  const Rows no_columns = rows_of(TensorLayout::strided(DType::float32, Numbers{5, 3, 0}, Numbers{largest, 2, 1}), 1);
  EXPECT_EQ(extents(no_columns.row), (Numbers{15}));
  EXPECT_EQ(extents(no_columns.column), (Numbers{0}));
  EXPECT_EQ(no_columns.row.offset(14), 0);
  EXPECT_TRUE(no_columns.dense_row);
  // The inner extent is 0: offset() must not divide by it.
  const Rows inner = rows_of(TensorLayout::strided(DType::float32, Numbers{5, 0, 4}, Numbers{9, 3, 1}), 1);
  EXPECT_EQ(inner.row.offset(0), 0);
}

TEST(RowsOf, OffsetsGoBeyond32Bits) {
  const std::int64_t far = std::int64_t{1} << 31;
  const Rows rows = rows_of(TensorLayout::strided(DType::float32, Numbers{3, 5}, Numbers{far, 1}), 1);
  EXPECT_EQ(rows.row.offset(2), far * 8);
  const Rows nested = rows_of(TensorLayout::strided(DType::float32, Numbers{2, 3, 5}, Numbers{far * 4, far, 1}), 1);
  EXPECT_EQ(nested.row.offset(5), far * 4 * 6);
}

TEST(GatherRow, DenseSideMayHaveAnyAlignment) {
  const Rows rows = rows_of(TensorLayout::strided(DType::float32, Numbers{2, 3}, Numbers{1, 2}), 1);
  const std::vector<float> memory = {0, 1, 2, 3, 4, 5};
  std::vector<std::byte> dense(3 * 4 + 1);
  gather_row(rows.column, 4, reinterpret_cast<const std::byte*>(memory.data() + 1), dense.data() + 1, 3);
  std::vector<float> got(3);
  std::memcpy(got.data(), dense.data() + 1, 12);
  EXPECT_EQ(got, (std::vector<float>{1, 3, 5}));
  std::vector<float> back(6, -1.0f);
  scatter_row(rows.column, 4, dense.data() + 1, reinterpret_cast<std::byte*>(back.data() + 1), 3);
  EXPECT_EQ(back, (std::vector<float>{-1, 1, -1, 3, -1, 5}));
}

TEST(GatherRow, NoColumnsTouchNothing) {
  const Rows rows = rows_of(TensorLayout::contiguous(DType::float32, {3, 0}), 1);
  gather_row(rows.column, 4, nullptr, nullptr, 0);
  scatter_row(rows.column, 4, nullptr, nullptr, 0);
}

}  // namespace
}  // namespace alng::impl
