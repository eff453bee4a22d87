// The conversions against a formula of their own in double precision: every pattern from 16 bits; to 16 bits every
// value, every midpoint between two neighbours and the float32 numbers around each of these, which is where a rounding
// can go wrong.
#include "problem/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace alng::impl {
namespace {

struct Format {
  int mantissa_bits;
  int smallest_exponent;  // of a normal number
  int largest_exponent;
  int exponent_bits;
};
constexpr Format half_format{10, -14, 15, 5};
constexpr Format bfloat16_format{7, -126, 127, 8};

/// The number a pattern stands for, by its fields.
double value_of(const Format& format, std::uint32_t bits) {
  const int exponent_mask = (1 << format.exponent_bits) - 1;
  const int exponent = static_cast<int>(bits >> format.mantissa_bits) & exponent_mask;
  const int mantissa = static_cast<int>(bits & ((1u << format.mantissa_bits) - 1u));
  const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
  if (exponent == exponent_mask) {
    return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  }
  const double ulp = std::ldexp(1.0, format.smallest_exponent - format.mantissa_bits);
  if (exponent == 0) return sign * mantissa * ulp;
  return sign * std::ldexp((1 << format.mantissa_bits) + mantissa, exponent - 1) * ulp;
}

/// The nearest number of the format, ties to even. Exact: a float32 divided by a power of two is a double.
double nearest(const Format& format, float value) {
  if (value == 0.0f || std::isinf(value)) return value;
  const double exact = value;
  const int exponent = std::max(std::ilogb(exact), format.smallest_exponent);
  const double ulp = std::ldexp(1.0, exponent - format.mantissa_bits);
  const double rounded = std::nearbyint(exact / ulp) * ulp;
  if (std::abs(rounded) >= std::ldexp(1.0, format.largest_exponent + 1)) {
    return std::copysign(std::numeric_limits<double>::infinity(), exact);
  }
  return std::copysign(rounded, exact);
}

/// Equal as numbers and in sign, so that -0 is not +0.
bool same(double a, double b) { return a == b && std::signbit(a) == std::signbit(b); }

template <class Narrow>
void expect_nearest(const Format& format, Narrow narrow, float value) {
  const std::uint16_t bits = narrow(value);
  ASSERT_TRUE(same(value_of(format, bits), nearest(format, value)))
      << std::hexfloat << value << " became " << value_of(format, bits) << " but the nearest is "
      << nearest(format, value);
}

template <class Narrow>
void expect_nearest_around(const Format& format, Narrow narrow, float value) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float neighbour : {value, std::nextafterf(value, infinity), std::nextafterf(value, -infinity)}) {
    expect_nearest(format, narrow, neighbour);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

template <class Narrow>
void expect_nearest_at_all_boundaries(const Format& format, Narrow narrow) {
  const std::uint32_t infinity = ((1u << format.exponent_bits) - 1u) << format.mantissa_bits;
  for (const std::uint32_t sign : {0u, 0x8000u}) {
    for (std::uint32_t bits = 0; bits < infinity; ++bits) {
      const double low = value_of(format, sign | bits);
      // Above the largest number the midpoint is with the power of two that infinity stands for.
      const double high = bits + 1 < infinity ? value_of(format, sign | (bits + 1))
                                              : std::copysign(std::ldexp(1.0, format.largest_exponent + 1), low);
      expect_nearest_around(format, narrow, static_cast<float>(low));
      expect_nearest_around(format, narrow, static_cast<float>((low + high) / 2));
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

/// Float32 numbers from the whole range, 4099 patterns apart (a prime, so that low bits vary).
template <class Narrow>
void expect_nearest_on_sweep(const Format& format, Narrow narrow) {
  for (std::uint64_t bits = 0; bits <= 0xFFFFFFFFu; bits += 4099) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (std::isnan(value)) continue;
    expect_nearest(format, narrow, value);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

template <class Narrow>
void expect_canonical_nan(Narrow narrow, std::uint16_t canonical) {
  for (const std::uint32_t sign : {0u, 0x80000000u}) {
    // Payloads in the low bits alone (which cutting off would turn into infinity), high bits alone, quiet and
    // signalling.
    for (std::uint32_t bit = 0; bit < 23; ++bit) {
      EXPECT_EQ(narrow(std::bit_cast<float>(sign | 0x7F800000u | (1u << bit))), canonical);
    }
    EXPECT_EQ(narrow(std::bit_cast<float>(sign | 0x7FFFFFFFu)), canonical);
  }
}

TEST(Float16, EveryPatternWidensExactly) {
  for (std::uint32_t bits = 0; bits <= 0xFFFFu; ++bits) {
    const float widened = float32_from_float16(static_cast<std::uint16_t>(bits));
    const double expected = value_of(half_format, bits);
    if (std::isnan(expected)) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(widened), canonical_nan_float32) << std::hex << bits;
    } else {
      ASSERT_TRUE(same(widened, expected)) << std::hex << bits;
    }
  }
}

TEST(Float16, EveryPatternComesBack) {
  for (std::uint32_t bits = 0; bits <= 0xFFFFu; ++bits) {
    const bool is_nan = (bits & 0x7FFFu) > 0x7C00u;
    const std::uint16_t back = float16_from_float32(float32_from_float16(static_cast<std::uint16_t>(bits)));
    ASSERT_EQ(back, is_nan ? canonical_nan_float16 : bits) << std::hex << bits;
  }
}

TEST(Float16, RoundsToNearestEvenAtEveryBoundary) {
  expect_nearest_at_all_boundaries(half_format, float16_from_float32);
}

TEST(Float16, RoundsToNearestEvenAcrossTheRange) { expect_nearest_on_sweep(half_format, float16_from_float32); }

TEST(Float16, KnownPatterns) {
  EXPECT_EQ(float16_from_float32(1.0f), 0x3C00u);
  EXPECT_EQ(float16_from_float32(-2.0f), 0xC000u);
  EXPECT_EQ(float16_from_float32(65504.0f), 0x7BFFu);
  EXPECT_EQ(float16_from_float32(std::nextafterf(65520.0f, 0.0f)), 0x7BFFu);
  EXPECT_EQ(float16_from_float32(65520.0f), 0x7C00u);
  EXPECT_EQ(float16_from_float32(-65520.0f), 0xFC00u);
  EXPECT_EQ(float16_from_float32(0x1p-24f), 0x0001u);
  EXPECT_EQ(float16_from_float32(0x1p-25f), 0x0000u);
  EXPECT_EQ(float16_from_float32(-0x1p-25f), 0x8000u);
  EXPECT_EQ(float16_from_float32(0x1.000002p-25f), 0x0001u);
  EXPECT_EQ(float16_from_float32(0x1.8p-24f), 0x0002u);
  EXPECT_EQ(float16_from_float32(std::numeric_limits<float>::denorm_min()), 0x0000u);
  EXPECT_EQ(float16_from_float32(std::numeric_limits<float>::infinity()), 0x7C00u);
}

TEST(Float16, NanBecomesCanonical) { expect_canonical_nan(float16_from_float32, 0x7E00u); }

TEST(Bfloat16, EveryPatternWidensExactly) {
  for (std::uint32_t bits = 0; bits <= 0xFFFFu; ++bits) {
    const float widened = float32_from_bfloat16(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(std::bit_cast<std::uint32_t>(widened), bits << 16);
    const double expected = value_of(bfloat16_format, bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(widened)) << std::hex << bits;
    } else {
      ASSERT_TRUE(same(widened, expected)) << std::hex << bits;
    }
  }
}

TEST(Bfloat16, EveryPatternComesBack) {
  for (std::uint32_t bits = 0; bits <= 0xFFFFu; ++bits) {
    const bool is_nan = (bits & 0x7FFFu) > 0x7F80u;
    const std::uint16_t back = bfloat16_from_float32(float32_from_bfloat16(static_cast<std::uint16_t>(bits)));
    ASSERT_EQ(back, is_nan ? canonical_nan_bfloat16 : bits) << std::hex << bits;
  }
}

TEST(Bfloat16, RoundsToNearestEvenAtEveryBoundary) {
  expect_nearest_at_all_boundaries(bfloat16_format, bfloat16_from_float32);
}

TEST(Bfloat16, RoundsToNearestEvenAcrossTheRange) { expect_nearest_on_sweep(bfloat16_format, bfloat16_from_float32); }

TEST(Bfloat16, KnownPatterns) {
  EXPECT_EQ(bfloat16_from_float32(1.0f), 0x3F80u);
  EXPECT_EQ(bfloat16_from_float32(0x1.01p0f), 0x3F80u);        // tie, down to even
  EXPECT_EQ(bfloat16_from_float32(0x1.03p0f), 0x3F82u);        // tie, up to even
  EXPECT_EQ(bfloat16_from_float32(0x1.010002p0f), 0x3F81u);    // just above a tie
  EXPECT_EQ(bfloat16_from_float32(0x1.feffeep127f), 0x7F7Fu);  // just below the overflow
  EXPECT_EQ(bfloat16_from_float32(0x1.ffp127f), 0x7F80u);
  EXPECT_EQ(bfloat16_from_float32(-std::numeric_limits<float>::max()), 0xFF80u);
  EXPECT_EQ(bfloat16_from_float32(0x1p-133f), 0x0001u);  // denormals are kept
  EXPECT_EQ(bfloat16_from_float32(0x1p-134f), 0x0000u);
}

TEST(Bfloat16, NanBecomesCanonical) { expect_canonical_nan(bfloat16_from_float32, 0x7FC0u); }

}  // namespace
}  // namespace alng::impl
