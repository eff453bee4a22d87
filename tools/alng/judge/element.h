// Elements of the three dtypes as doubles, exactly, and back with one rounding to nearest even.
//
// Written apart from the library's conversions on purpose: `verify` judges results, so it must not share their
// mistakes.
#ifndef ALNG_TOOLS_ELEMENT_H
#define ALNG_TOOLS_ELEMENT_H

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alng/tensor.hpp"

namespace alng::cli {

/// Exponent and stored mantissa bits of a 16-bit type.
struct Format16 {
  int exponent;
  int mantissa;
};
inline constexpr Format16 format_float16{5, 10};
inline constexpr Format16 format_bfloat16{8, 7};

inline double decode16(std::uint16_t bits, Format16 format) {
  const int bias = (1 << (format.exponent - 1)) - 1;
  const int exponent = (bits >> format.mantissa) & ((1 << format.exponent) - 1);
  const int mantissa = bits & ((1 << format.mantissa) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == (1 << format.exponent) - 1) return mantissa != 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - format.mantissa);
  // A double with the same exponent and mantissa.
  const auto high = static_cast<std::uint64_t>(exponent - bias + 1023) << 52;
  return sign * std::bit_cast<double>(high | static_cast<std::uint64_t>(mantissa) << (52 - format.mantissa));
}

inline std::uint16_t encode16(double value, Format16 format) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 48 & 0x8000);
  const std::uint64_t magnitude = bits & 0x7FFFFFFFFFFFFFFF;
  const int infinity = ((1 << format.exponent) - 1) << format.mantissa;
  if (magnitude > 0x7FF0000000000000) return static_cast<std::uint16_t>(infinity | 1 << (format.mantissa - 1));
  const int bias = (1 << (format.exponent - 1)) - 1;
  int exponent = static_cast<int>(magnitude >> 52) - 1023 + bias;
  // Below the smallest normal number the last place stays where it is while the value shrinks: shift further.
  int shift = 52 - format.mantissa;
  if (exponent < 1) {
    shift += 1 - exponent;
    exponent = 1;
  }
  if (shift > 54) return sign;  // less than half of the smallest denormal; double's own denormals are among these
  const std::uint64_t mantissa = (magnitude & 0xFFFFFFFFFFFFF) | 0x10000000000000;
  std::uint64_t kept = mantissa >> shift;
  const std::uint64_t rest = mantissa & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (shift - 1);
  if (rest > half || (rest == half && (kept & 1) != 0)) ++kept;
  // `kept` carries the leading one, which counts as one step of the exponent.
  const std::uint64_t rounded = (static_cast<std::uint64_t>(exponent - 1) << format.mantissa) + kept;
  return static_cast<std::uint16_t>(sign | std::min<std::uint64_t>(rounded, static_cast<std::uint64_t>(infinity)));
}

inline double load_element(DType dtype, const std::byte* address) {
  if (dtype == DType::float32) {
    float value;
    std::memcpy(&value, address, sizeof value);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, address, sizeof bits);
  return decode16(bits, dtype == DType::float16 ? format_float16 : format_bfloat16);
}

inline void store_element(DType dtype, std::byte* address, double value) {
  if (dtype == DType::float32) {
    const auto narrow = static_cast<float>(value);
    std::memcpy(address, &narrow, sizeof narrow);
    return;
  }
  const std::uint16_t bits = encode16(value, dtype == DType::float16 ? format_float16 : format_bfloat16);
  std::memcpy(address, &bits, sizeof bits);
}

/// `value` rounded to the dtype.
inline double round_to(DType dtype, double value) {
  std::byte element[4];
  store_element(dtype, element, value);
  return load_element(dtype, element);
}

/// Half the distance between the dtype's neighbouring values at this magnitude: the error of a correct rounding.
inline double half_ulp(DType dtype, double value) {
  const int mantissa = dtype == DType::float32 ? 23 : dtype == DType::float16 ? 10 : 7;
  const int smallest = dtype == DType::float16 ? -14 : -126;
  const int exponent = value == 0 || !std::isfinite(value) ? smallest : std::max(std::ilogb(value), smallest);
  return std::ldexp(0.5, exponent - mantissa);
}

}  // namespace alng::cli

#endif
