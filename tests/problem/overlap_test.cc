#include "problem/overlap.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "separate_arguments.h"

namespace alng::impl {
namespace {

using Numbers = std::vector<std::int64_t>;

TensorLayout strided(const Numbers& shape, const Numbers& strides) {
  return TensorLayout::strided(DType::float32, shape, strides);
}

bool disjoint(const TensorLayout& a, std::uintptr_t address_a, const TensorLayout& b, std::uintptr_t address_b) {
  const bool one_way = are_disjoint(footprint_of(a, at<void>(address_a)), footprint_of(b, at<void>(address_b)));
  const bool other_way = are_disjoint(footprint_of(b, at<void>(address_b)), footprint_of(a, at<void>(address_a)));
  EXPECT_EQ(one_way, other_way);
  return one_way;
}

TEST(Disjoint, RangesThatTouchAreDisjoint) {
  const TensorLayout layout = strided({4, 8}, {8, 1});
  EXPECT_TRUE(disjoint(layout, 4096, layout, 4096 + 128));
  EXPECT_FALSE(disjoint(layout, 4096, layout, 4096 + 124));
  EXPECT_FALSE(disjoint(layout, 4096, layout, 4096));
}

TEST(Disjoint, ColumnSlicesOfOneWideBuffer) {
  const TensorLayout half = strided({64, 8}, {16, 1});
  EXPECT_TRUE(disjoint(half, 4096, half, 4096 + 32));
  EXPECT_FALSE(disjoint(half, 4096, half, 4096 + 28));
  // The second slice starts in the last column and so reaches the next row's first.
  EXPECT_FALSE(disjoint(half, 4096, half, 4096 + 36));
  // The slice to the left of a tensor, given in rows further down.
  EXPECT_TRUE(disjoint(half, 4096 + 32, half, 4096 + 64 * 5));
}

TEST(Disjoint, EvenAndOddRows) {
  const TensorLayout every_other = strided({32, 16}, {32, 1});
  EXPECT_TRUE(disjoint(every_other, 4096, every_other, 4096 + 64));
  EXPECT_FALSE(disjoint(every_other, 4096, every_other, 4096 + 128));
}

TEST(Disjoint, SlicesOfDifferentRowSteps) {
  const TensorLayout all_rows = strided({64, 8}, {16, 1});
  const TensorLayout every_other = strided({32, 8}, {32, 1});
  EXPECT_TRUE(disjoint(all_rows, 4096, every_other, 4096 + 32));
  EXPECT_FALSE(disjoint(all_rows, 4096, every_other, 4096 + 64));
}

TEST(Disjoint, QueryKeyValueSlicesOfOneProjection) {
  const TensorLayout head = strided({64, 12, 64}, {3 * 768, 64, 1});
  EXPECT_TRUE(disjoint(head, 4096, head, 4096 + 768 * 4));
  EXPECT_TRUE(disjoint(head, 4096, head, 4096 + 2 * 768 * 4));
  EXPECT_FALSE(disjoint(head, 4096, head, 4096 + 3 * 768 * 4));
}

TEST(Disjoint, TransposedSlices) {
  const TensorLayout slice = strided({8, 64}, {1, 16});
  EXPECT_TRUE(disjoint(slice, 4096, slice, 4096 + 32));
  EXPECT_FALSE(disjoint(slice, 4096, slice, 4096 + 16));
}

TEST(Disjoint, PlainMemoryInTheGapsOfATensor) {
  const TensorLayout slice = strided({1, 2, 8}, {0, 16, 1});
  EXPECT_TRUE(are_disjoint(footprint_of(slice, at<void>(4096)), footprint_of(at<void>(4096 + 32), 32)));
  EXPECT_FALSE(are_disjoint(footprint_of(slice, at<void>(4096)), footprint_of(at<void>(4096 + 32), 33)));
  EXPECT_FALSE(are_disjoint(footprint_of(slice, at<void>(4096)), footprint_of(at<void>(4096 + 31), 32)));
}

TEST(Disjoint, EmptyTensorsAreDisjointFromEverything) {
  const TensorLayout empty = strided({0, 8}, {8, 1});
  const TensorLayout full = strided({4, 8}, {8, 1});
  EXPECT_TRUE(disjoint(empty, 4096 + 16, full, 4096));
  EXPECT_TRUE(are_disjoint(footprint_of(at<void>(4096 + 16), 0), footprint_of(full, at<void>(4096))));
}

TEST(Disjoint, BroadcastOccupiesWhatItReads) {
  const TensorLayout row = strided({1000, 8}, {0, 1});
  const TensorLayout full = strided({4, 8}, {8, 1});
  EXPECT_TRUE(disjoint(row, 4096, full, 4096 + 32));
  EXPECT_FALSE(disjoint(row, 4096, full, 4096 + 28));
}

TEST(Disjoint, EndOfTheAddressSpaceDoesNotWrap) {
  const TensorLayout layout = strided({4, 8}, {std::int64_t{1} << 59, 1});
  const std::uintptr_t high = std::numeric_limits<std::uintptr_t>::max() - 4095;
  const Footprint footprint = footprint_of(layout, at<void>(high));
  EXPECT_EQ(footprint.range.end, std::numeric_limits<std::uintptr_t>::max());
  EXPECT_TRUE(disjoint(layout, high, strided({8}, {1}), 4096));
}

TEST(Fold, DenseAndPaddedAndPermutedHaveNone) {
  EXPECT_EQ(find_fold(strided({4, 6, 8}, {48, 8, 1})).dimension, -1);
  EXPECT_EQ(find_fold(strided({4, 6, 8}, {100, 9, 1})).dimension, -1);
  EXPECT_EQ(find_fold(strided({4, 6, 8}, {1, 4, 24})).dimension, -1);
  EXPECT_EQ(find_fold(strided({4, 0, 8}, {0, 0, 0})).dimension, -1);
  EXPECT_EQ(find_fold(strided({1, 1, 8}, {0, 0, 1})).dimension, -1);
}

TEST(Fold, NamesDimensionAndSpan) {
  const Fold fold = find_fold(strided({4, 6, 8}, {48, 7, 1}));
  EXPECT_EQ(fold.dimension, 1);
  EXPECT_EQ(fold.span, 8);
}

}  // namespace
}  // namespace alng::impl
