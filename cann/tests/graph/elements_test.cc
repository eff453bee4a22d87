// Arithmetic element by element: Add and Cast.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cann/tests/graph/graph_run.h"

namespace alng::test {
namespace {

TEST(Elements, AddBroadcastsAsNumpyDoes) {
  const Engine engine;
  struct Shapes {
    Dims x1, x2, y;
  };
  for (const Shapes& s : std::vector<Shapes>{{{2, 3}, {2, 3}, {2, 3}},
                                             {{2, 3}, {3}, {2, 3}},
                                             {{3}, {2, 3}, {2, 3}},
                                             {{2, 1}, {1, 3}, {2, 3}},
                                             {{2, 1, 2}, {3, 1}, {2, 3, 2}},
                                             {{1}, {4}, {4}},
                                             {{2, 0}, {1}, {2, 0}},
                                             {{4, 1}, {1, 4, 3}, {1, 4, 3}}}) {
    const auto count = [](const Dims& dims) {
      std::int64_t n = 1;
      for (const std::int64_t extent : dims) n *= extent;
      return n;
    };
    const auto at = [&](const Dims& dims, std::int64_t index) {
      std::int64_t offset = 0, stride = 1;
      for (std::size_t back = 1; back <= s.y.size(); ++back) {
        const std::int64_t i = index % s.y[s.y.size() - back];
        index /= s.y[s.y.size() - back];
        if (back > dims.size()) continue;
        if (dims[dims.size() - back] != 1) offset += i * stride;
        stride *= dims[dims.size() - back];
      }
      return static_cast<std::size_t>(offset);
    };
    const std::vector<float> a = numbers(count(s.x1), 1), b = numbers(count(s.x2), 2);
    std::vector<float> expected;
    for (std::int64_t i = 0; i < count(s.y); ++i) expected.push_back(a[at(s.x1, i)] + b[at(s.x2, i)]);
    Feeds feeds;
    const auto x1 = feeds.add("x1", tensor(s.x1, a));
    const auto x2 = feeds.add("x2", tensor(s.x2, b));
    const auto outputs = run_graph(graph_of(feeds, {ge::op::Add("add").set_input_x1(x1).set_input_x2(x2)}), feeds);
    EXPECT_EQ(outputs[0].GetTensorDesc().GetShape().GetDims(), s.y);
    EXPECT_EQ(floats(outputs[0]), expected);
  }
}

// All 65,536 numbers of a 16-bit dtype.
ge::Tensor all_of(ge::DataType dtype) {
  std::vector<std::byte> bytes(1 << 17);
  for (std::size_t i = 0; i < 65536; ++i) {
    bytes[2 * i] = static_cast<std::byte>(i & 255);
    bytes[2 * i + 1] = static_cast<std::byte>(i >> 8);
  }
  return tensor(dtype, {65536}, bytes);
}

TEST(Elements, SixteenBitNumbersSurviveFloat32) {
  const Engine engine;
  for (const ge::DataType dtype : {ge::DT_FLOAT16, ge::DT_BF16}) {
    Feeds feeds;
    const auto a = feeds.add("a", all_of(dtype));
    const auto wide = ge::op::Cast("wide").set_input_x(a).set_attr_dst_type(ge::DT_FLOAT);
    const auto back = ge::op::Cast("back").set_input_x(wide).set_attr_dst_type(dtype);
    const auto outputs = run_graph(graph_of(feeds, {wide, back}), feeds);
    const auto values = floats(outputs[0]);
    const auto* const got = reinterpret_cast<const std::uint16_t*>(outputs[1].GetData());
    for (std::size_t i = 0; i < 65536; ++i) {
      const auto number = static_cast<std::uint16_t>(i);
      const int exponent = dtype == ge::DT_FLOAT16 ? number >> 10 & 31 : number >> 7 & 255;
      const int mantissa = dtype == ge::DT_FLOAT16 ? number & 1023 : number & 127;
      const bool last = exponent == (dtype == ge::DT_FLOAT16 ? 31 : 255);
      if (last && mantissa != 0) {
        ASSERT_EQ(got[i], dtype == ge::DT_FLOAT16 ? 0x7E00 : 0x7FC0) << i;
        continue;
      }
      ASSERT_EQ(got[i], number);
      // The value by its definition.
      const int bits = dtype == ge::DT_FLOAT16 ? 10 : 7, bias = dtype == ge::DT_FLOAT16 ? 15 : 127;
      const double magnitude =
          last ? std::numeric_limits<double>::infinity()
               : std::ldexp(exponent == 0 ? mantissa : mantissa + (1 << bits), std::max(exponent, 1) - bias - bits);
      ASSERT_EQ(static_cast<double>(values[i]), (number & 0x8000) != 0 ? -magnitude : magnitude) << i;
    }
  }
}

TEST(Elements, RoundingIsToNearestEven) {
  const Engine engine;
  Feeds feeds;
  const float f16 = 0x1p-10F, sub = 0x1p-24F, b16 = 0x1p-7F;
  const std::vector<float> values = {1 + f16 / 2,  1 + 3 * f16 / 2, 1 + f16 / 2 + 0x1p-23F,
                                     sub / 2,      3 * sub / 2,     sub / 2 + 0x1p-40F,
                                     65519.996F,   65520,           -1e30F,
                                     1 + b16 / 2,  1 + 3 * b16 / 2, 1e-45F,
                                     3.4e38F,      -0.0F,           0x1p-14F,
                                     0x1.ff8p-15F, 0x1.ffcp-15F};
  const auto a = feeds.add("a", tensor({static_cast<std::int64_t>(values.size())}, values));
  const auto half = ge::op::Cast("half").set_input_x(a).set_attr_dst_type(ge::DT_FLOAT16);
  const auto brain = ge::op::Cast("brain").set_input_x(a).set_attr_dst_type(ge::DT_BF16);
  const auto outputs = run_graph(graph_of(feeds, {half, brain}), feeds);
  const auto* const of_half = reinterpret_cast<const std::uint16_t*>(outputs[0].GetData());
  const std::vector<std::uint16_t> expected = {0x3C00, 0x3C02, 0x3C01, 0,      2,      1,      0x7BFF, 0x7C00, 0xFC00,
                                               0x3C04, 0x3C0C, 0,      0x7C00, 0x8000, 0x0400, 0x03FF, 0x0400};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(of_half[i], expected[i]) << i;
  const auto* const of_brain = reinterpret_cast<const std::uint16_t*>(outputs[1].GetData());
  EXPECT_EQ(of_brain[9], 0x3F80);
  EXPECT_EQ(of_brain[10], 0x3F82);
  EXPECT_EQ(of_brain[11], 0);
  EXPECT_EQ(of_brain[12], 0x7F80);
  EXPECT_EQ(of_brain[13], 0x8000);
}

TEST(Elements, SumsOfSixteenBitNumbersAreRoundedOnce) {
  const Engine engine;
  Feeds feeds;
  // 2048 + 1 + a little: 2049 lies between two numbers of binary16, and goes up only because of what is below it.
  const std::uint16_t x1[] = {0x6800, 0x6800, 0x7BFF}, x2[] = {0x3C00, 0x3C01, 0x7BFF};
  const auto of = [](const std::uint16_t(&values)[3]) {
    const auto* const first = reinterpret_cast<const std::byte*>(values);
    return tensor(ge::DT_FLOAT16, {3}, {first, first + 6});
  };
  const auto a = feeds.add("a", of(x1)), b = feeds.add("b", of(x2));
  const auto outputs = run_graph(graph_of(feeds, {ge::op::Add("add").set_input_x1(a).set_input_x2(b)}), feeds);
  const auto* const got = reinterpret_cast<const std::uint16_t*>(outputs[0].GetData());
  EXPECT_EQ(got[0], 0x6800);
  EXPECT_EQ(got[1], 0x6801);
  EXPECT_EQ(got[2], 0x7C00);
}

}  // namespace
}  // namespace alng::test
