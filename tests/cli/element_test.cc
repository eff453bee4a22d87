#include "judge/element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace alng::cli {
namespace {

double decode(DType dtype, int bits) {
  const auto narrow = static_cast<std::uint16_t>(bits);
  std::byte element[4];
  std::memcpy(element, &narrow, sizeof narrow);
  return load_element(dtype, element);
}

int encode(DType dtype, double value) {
  std::byte element[4];
  store_element(dtype, element, value);
  std::uint16_t bits;
  std::memcpy(&bits, element, sizeof bits);
  return bits;
}

TEST(Element, KnownValues) {
  EXPECT_EQ(decode(DType::float16, 0x3C00), 1.0);
  EXPECT_EQ(decode(DType::float16, 0xC000), -2.0);
  EXPECT_EQ(decode(DType::float16, 0x7BFF), 65504.0);
  EXPECT_EQ(decode(DType::float16, 0x0001), 0x1p-24);
  EXPECT_EQ(decode(DType::bfloat16, 0x3F80), 1.0);
  EXPECT_EQ(decode(DType::bfloat16, 0x0001), 0x1p-133);
  EXPECT_EQ(decode(DType::bfloat16, 0x7F7F), 0x1.FEp127);
  EXPECT_EQ(decode(DType::bfloat16, 0xFF80), -INFINITY);
  EXPECT_TRUE(std::isnan(decode(DType::float16, 0x7C01)));
  EXPECT_EQ(encode(DType::float16, 65519.99), 0x7BFF);
  EXPECT_EQ(encode(DType::float16, 65520.0), 0x7C00);
  EXPECT_EQ(encode(DType::float16, 1e300), 0x7C00);
  EXPECT_EQ(encode(DType::float16, 1e-300), 0x0000);
  EXPECT_EQ(encode(DType::float16, -0x1p-25), 0x8000);
  EXPECT_EQ(encode(DType::float16, std::nextafter(0x1p-25, 1.0)), 0x0001);
  EXPECT_EQ(encode(DType::bfloat16, std::numeric_limits<float>::max()), 0x7F80);
}

// Every value survives the way there and back; halfway between neighbours goes to the even one, just beside it to the
// nearer.
TEST(Element, RoundsEveryNeighbourhoodToNearestEven) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    const int infinity = dtype == DType::float16 ? 0x7C00 : 0x7F80;
    for (int bits = 0; bits < infinity - 1; ++bits) {
      const double here = decode(dtype, bits), next = decode(dtype, bits + 1);
      const double middle = (here + next) / 2;  // exact in double
      ASSERT_LT(here, next);
      ASSERT_EQ(encode(dtype, here), bits);
      ASSERT_EQ(encode(dtype, -here), bits | 0x8000);
      ASSERT_EQ(encode(dtype, middle), bits % 2 == 0 ? bits : bits + 1);
      ASSERT_EQ(encode(dtype, std::nextafter(middle, 0.0)), bits);
      ASSERT_EQ(encode(dtype, std::nextafter(middle, INFINITY)), bits + 1);
      ASSERT_EQ(half_ulp(dtype, here), (next - here) / 2);
    }
  }
}

TEST(Element, HalfUlpOfFloat32) {
  EXPECT_EQ(half_ulp(DType::float32, 1.0), 0x1p-24);
  EXPECT_EQ(half_ulp(DType::float32, -1000.0), 0x1p-15);
  EXPECT_EQ(half_ulp(DType::float32, 0.0), 0x1p-150);
}

}  // namespace
}  // namespace alng::cli
