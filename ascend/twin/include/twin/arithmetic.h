// Numbers of the API's element types: 16-bit floats are computed with in float32 and rounded once.
#ifndef ALNG_ASCEND_TWIN_ARITHMETIC_H
#define ALNG_ASCEND_TWIN_ARITHMETIC_H

#include <cmath>
#include <type_traits>

#include "twin/types.h"

namespace AscendC {

template <typename T>
auto twin_widen(T value) {
  if constexpr (std::is_same_v<T, half> || std::is_same_v<T, bfloat16_t>) {
    return static_cast<float>(value);
  } else {
    return value;
  }
}

template <typename T, typename U>
T twin_narrow(U value) {
  return static_cast<T>(value);
}

/// a * b + c. The product of two float32 is exact in double; the sum is rounded to double before it is to float32,
/// which differs from a fused multiply-add in one case of 2^29. Whether hardware rounds the product is not documented.
inline float twin_multiply_add(float a, float b, float c) {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b) + static_cast<double>(c));
}
inline std::int32_t twin_multiply_add(std::int32_t a, std::int32_t b, std::int32_t c) { return a * b + c; }

/// Why a cast does not take a mode, or null.
template <typename D, typename A>
const char* twin_refused_round_mode(RoundMode mode) {
  if constexpr (sizeof(D) > sizeof(A)) {
    return mode == RoundMode::CAST_NONE ? nullptr : "to a wider type takes CAST_NONE only";
  } else if constexpr (std::is_same_v<D, bfloat16_t>) {
    return mode == RoundMode::CAST_NONE   ? "to bfloat16_t takes no CAST_NONE; CAST_RINT rounds to nearest even"
           : mode == RoundMode::CAST_RINT ? nullptr
                                          : "to bfloat16_t: the twin rounds with CAST_RINT only";
  } else if constexpr (std::is_same_v<D, std::int32_t>) {
    return mode == RoundMode::CAST_NONE  ? "to int32_t takes no CAST_NONE"
           : mode == RoundMode::CAST_ODD ? "to int32_t takes no CAST_ODD"
                                         : nullptr;
  } else {
    return mode == RoundMode::CAST_NONE || mode == RoundMode::CAST_RINT
               ? nullptr
               : "the twin rounds with CAST_NONE and CAST_RINT only";
  }
}

template <typename D, typename A>
D twin_converted(A value, RoundMode mode) {
  if constexpr (std::is_same_v<D, std::int32_t>) {
    const float x = static_cast<float>(value);
    const float rounded = mode == RoundMode::CAST_FLOOR   ? std::floor(x)
                          : mode == RoundMode::CAST_CEIL  ? std::ceil(x)
                          : mode == RoundMode::CAST_ROUND ? std::round(x)
                          : mode == RoundMode::CAST_TRUNC ? std::trunc(x)
                                                          : std::nearbyint(x);
    if (!(rounded > -2147483648.0f)) return rounded == rounded ? INT32_MIN : 0;
    return rounded >= 2147483648.0f ? INT32_MAX : static_cast<std::int32_t>(rounded);
  } else {
    return static_cast<D>(static_cast<float>(value));
  }
}

}  // namespace AscendC

#endif
