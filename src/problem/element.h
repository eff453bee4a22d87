// One element of any dtype: read as float32, which is exact, and written with one rounding.
#ifndef ALNG_PROBLEM_ELEMENT_H
#define ALNG_PROBLEM_ELEMENT_H

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alng/tensor.hpp"
#include "problem/float16.h"

namespace alng::impl {

inline float load(const std::byte* element, DType dtype) noexcept {
  if (dtype == DType::float32) {
    float value;
    std::memcpy(&value, element, sizeof value);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, element, sizeof bits);
  return dtype == DType::float16 ? float32_from_float16(bits) : float32_from_bfloat16(bits);
}

/// Every NaN canonical.
inline void store(float value, std::byte* element, DType dtype) noexcept {
  if (dtype == DType::float32) {
    if (value != value) value = std::bit_cast<float>(canonical_nan_float32);
    std::memcpy(element, &value, sizeof value);
    return;
  }
  const std::uint16_t bits = dtype == DType::float16 ? float16_from_float32(value) : bfloat16_from_float32(value);
  std::memcpy(element, &bits, sizeof bits);
}

/// What is read back where `value` was written.
inline float rounded(float value, DType dtype) noexcept {
  std::byte element[sizeof value];
  store(value, element, dtype);
  return load(element, dtype);
}

}  // namespace alng::impl

#endif
