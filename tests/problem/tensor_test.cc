#include "alng/tensor.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "alng/status.hpp"

namespace alng {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

std::vector<std::int64_t> strides_of(const TensorLayout& layout) {
  return {layout.strides.begin(), layout.strides.begin() + layout.rank};
}

TensorLayout strided(DType dtype, const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  return TensorLayout::strided(dtype, shape, strides);
}

TEST(Names, DtypesHaveNameAndSize) {
  EXPECT_STREQ(dtype_name(DType::float32), "float32");
  EXPECT_STREQ(dtype_name(DType::float16), "float16");
  EXPECT_STREQ(dtype_name(DType::bfloat16), "bfloat16");
  EXPECT_EQ(dtype_size(DType::float32), 4u);
  EXPECT_EQ(dtype_size(DType::float16), 2u);
  EXPECT_EQ(dtype_size(DType::bfloat16), 2u);
}

TEST(Names, DtypeOutsideTheEnumHasNoSize) {
  EXPECT_STREQ(dtype_name(static_cast<DType>(7)), "unknown dtype");
  EXPECT_EQ(dtype_size(static_cast<DType>(-1)), 0u);
}

TEST(Names, CodesSpellTheirOwnName) {
  const std::vector<std::pair<Code, const char*>> names = {{Code::ok, "ok"},
                                                           {Code::null_pointer, "null_pointer"},
                                                           {Code::bad_dtype, "bad_dtype"},
                                                           {Code::bad_shape, "bad_shape"},
                                                           {Code::bad_stride, "bad_stride"},
                                                           {Code::overlap, "overlap"},
                                                           {Code::bad_workspace, "bad_workspace"},
                                                           {Code::bad_option, "bad_option"},
                                                           {Code::unsupported, "unsupported"},
                                                           {Code::out_of_memory, "out_of_memory"},
                                                           {Code::device_error, "device_error"}};
  // The numbers are part of the C interface.
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(names[i].first), i);
    EXPECT_STREQ(code_name(names[i].first), names[i].second);
  }
  EXPECT_STREQ(code_name(static_cast<Code>(99)), "unknown");
}

TEST(Contiguous, StridesAreRowMajor) {
  const TensorLayout layout = TensorLayout::contiguous(DType::bfloat16, {64, 128, 768});
  EXPECT_EQ(layout.dtype, DType::bfloat16);
  EXPECT_EQ(layout.rank, 3);
  EXPECT_EQ(strides_of(layout), (std::vector<std::int64_t>{98304, 768, 1}));
}

TEST(Contiguous, SizesBeyond32BitsKeepTheirStrides) {
  const TensorLayout layout = TensorLayout::contiguous(DType::float32, {3, 1 << 20, 1 << 20});
  EXPECT_EQ(layout.strides[0], std::int64_t{1} << 40);
}

TEST(Contiguous, StridesSaturateRatherThanOverflow) {
  const TensorLayout layout = TensorLayout::contiguous(DType::float32, {2, largest, largest});
  EXPECT_EQ(strides_of(layout), (std::vector<std::int64_t>{largest, largest, 1}));
}

TEST(Contiguous, RankBeyondTheLimitIsKeptForTheRefusal) {
  const std::vector<std::int64_t> shape(9, 2);
  EXPECT_EQ(TensorLayout::contiguous(DType::float32, shape).rank, 9);
}

TEST(Strided, ListsOfDifferentLengthGiveRankZero) {
  EXPECT_EQ(strided(DType::float32, {2, 3}, {3}).rank, 0);
  EXPECT_EQ(strided(DType::float32, {2, 3}, {6, 3, 1}).rank, 0);
}

TEST(ToString, DenseTensorShowsDtypeAndShape) {
  EXPECT_EQ(to_string(TensorLayout::contiguous(DType::float32, {64, 128, 768})), "float32[64, 128, 768]");
  EXPECT_EQ(to_string(TensorLayout::contiguous(DType::float16, {5})), "float16[5]");
}

TEST(ToString, OtherStridesAreShown) {
  EXPECT_EQ(to_string(strided(DType::float32, {64, 768}, {1536, 1})), "float32[64, 768] with strides [1536, 1]");
  EXPECT_EQ(to_string(strided(DType::bfloat16, {2, 3}, {1, 2})), "bfloat16[2, 3] with strides [1, 2]");
  EXPECT_EQ(to_string(strided(DType::float32, {2, 3}, {0, 1})), "float32[2, 3] with strides [0, 1]");
}

TEST(ToString, StridesNeverUsedAreNotShown) {
  EXPECT_EQ(to_string(strided(DType::float32, {1, 768, 1}, {5, 1, -7})), "float32[1, 768, 1]");
  EXPECT_EQ(to_string(strided(DType::float32, {4, 0}, {9, 9})), "float32[4, 0]");
}

TEST(ToString, HostileLayoutsPrint) {
  TensorLayout layout;
  EXPECT_EQ(to_string(layout), "float32[]");
  layout.rank = 2147483647;
  EXPECT_EQ(to_string(layout), "float32 of rank 2147483647");
  layout.rank = -1;
  EXPECT_EQ(to_string(layout), "float32 of rank -1");
}

}  // namespace
}  // namespace alng
