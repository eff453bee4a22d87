#include "cases/element.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace alng::cases {
namespace {

struct Format {
  int precision;         // bits of the significand, the leading one included
  int minimum_exponent;  // of the smallest normal value
  double largest;
};

Format format_of(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return {11, -14, 65504.0};
    case DType::bfloat16:
      return {8, -126, 0x1.FEp127};
    default:
      return {24, -126, 0x1.FFFFFEp127};
  }
}

double power_of_two(int exponent) { return std::ldexp(1.0, exponent); }

int exponent_of(double value) {
  // ilogb without the library call: the values that reach this are normal doubles or 0.
  return static_cast<int>((std::bit_cast<std::uint64_t>(value) >> 52) & 0x7FFu) - 1023;
}

double decode_float16(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  double magnitude;
  if (exponent == 31) {
    magnitude = mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    magnitude = mantissa * power_of_two(-24);
  } else {
    magnitude = (1024 + mantissa) * power_of_two(exponent - 25);
  }
  return (bits & 0x8000u) != 0 ? -magnitude : magnitude;
}

const std::vector<double>& float16_table() {
  static const std::vector<double> table = [] {
    std::vector<double> values(65536);
    for (unsigned i = 0; i < values.size(); ++i) values[i] = decode_float16(static_cast<std::uint16_t>(i));
    return values;
  }();
  return table;
}

std::uint16_t encode_float16(double value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000u : 0u;
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return 0x7E00u;
  if (std::isinf(value)) return static_cast<std::uint16_t>(sign | 0x7C00u);
  const int exponent = std::max(exponent_of(magnitude), -14);
  const auto units = static_cast<unsigned>(magnitude / power_of_two(exponent - 10));  // exact: value is a float16
  return static_cast<std::uint16_t>(sign | (units < 1024 ? units : ((exponent + 15) * 1024u + (units - 1024u))));
}

}  // namespace

double load(DType dtype, const std::byte* address) {
  if (dtype == DType::float32) {
    float value;
    std::memcpy(&value, address, sizeof value);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, address, sizeof bits);
  if (dtype == DType::float16) return float16_table()[bits];
  float value;
  const std::array<std::uint16_t, 2> halves = std::endian::native == std::endian::little
                                                  ? std::array<std::uint16_t, 2>{0, bits}
                                                  : std::array<std::uint16_t, 2>{bits, 0};
  std::memcpy(&value, halves.data(), sizeof value);
  return value;
}

double ulp(DType dtype, double value) {
  const Format format = format_of(dtype);
  return power_of_two(std::max(exponent_of(std::fabs(value)), format.minimum_exponent) - format.precision + 1);
}

double round_to(DType dtype, double value) {
  if (!std::isfinite(value)) return value;
  const double unit = ulp(dtype, value);
  const double rounded = std::nearbyint(value / unit) * unit;  // division and product by powers of two: exact
  if (std::fabs(rounded) > largest(dtype)) return std::copysign(std::numeric_limits<double>::infinity(), value);
  return std::copysign(rounded, value);
}

void store(DType dtype, double value, std::byte* address) {
  const double rounded = round_to(dtype, value);
  if (dtype == DType::float16) {
    const std::uint16_t bits = encode_float16(rounded);
    std::memcpy(address, &bits, sizeof bits);
    return;
  }
  const float single = std::isnan(rounded) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(rounded);
  if (dtype == DType::float32) {
    std::memcpy(address, &single, sizeof single);
    return;
  }
  const auto bits = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(single) >> 16);  // exact: a bfloat16
  std::memcpy(address, &bits, sizeof bits);
}

double largest(DType dtype) { return format_of(dtype).largest; }

double smallest(DType dtype) {
  const Format format = format_of(dtype);
  return power_of_two(format.minimum_exponent - format.precision + 1);
}

}  // namespace alng::cases
