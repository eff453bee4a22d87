// Elements as float32, one at a time: what element-by-element kinds compute in.
#ifndef ALNG_CANN_GE_KINDS_ELEMENTS_H
#define ALNG_CANN_GE_KINDS_ELEMENTS_H

#include <bit>
#include <cfenv>
#include <cstdint>

#include "alng/tensor.hpp"

namespace alng::cann::engine {

/// Nearest even, denormals kept, for as long as it lives: programs set flush-to-zero, which would change bits.
class StandardFloats {
 public:
  StandardFloats() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~StandardFloats() { std::fesetenv(&saved_); }
  StandardFloats(const StandardFloats&) = delete;
  StandardFloats& operator=(const StandardFloats&) = delete;

 private:
  std::fenv_t saved_{};
};

// Each: how an element is stored, and float32 from and to it. A NaN that is computed is the canonical one, whatever the
// processor makes: 0 without sign and payload. aclFloat16ToFloat and its reverse, which are exact and slow, take five
// times as long for a tensor.

struct Float32 {
  using Stored = float;
  static float widen(float value) { return value; }
  static float narrow(float value) { return value != value ? std::bit_cast<float>(0x7FC00000U) : value; }
};

struct Bfloat16 {
  using Stored = std::uint16_t;
  static float widen(std::uint16_t value) { return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16); }
  static std::uint16_t narrow(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return 0x7FC0;
    return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1)) >> 16);
  }
};

struct Float16 {
  using Stored = std::uint16_t;
  static float widen(std::uint16_t value) {
    const std::uint32_t sign = static_cast<std::uint32_t>(value & 0x8000U) << 16;
    const std::uint32_t magnitude = static_cast<std::uint32_t>(value & 0x7FFFU) << 13;
    // Moved into place, the number is 2^112 times too small; infinity and NaN have all bits of the exponent.
    if ((value & 0x7C00U) == 0x7C00U) return std::bit_cast<float>(sign | 0x7F800000U | magnitude);
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F));
  }
  static std::uint16_t narrow(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000U);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    if (magnitude > 0x7F800000U) return 0x7E00;
    if (magnitude >= 0x477FF000U) return sign | 0x7C00U;  // 65520 and more
    // Below 2^-14: added to 0.5, whose last place is 2^-24, as the denormals' is, the hardware rounds.
    if (magnitude < 0x38800000U) {
      const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
      return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F000000U));
    }
    const std::uint32_t rounded = magnitude + 0xFFFU + (magnitude >> 13 & 1);
    return static_cast<std::uint16_t>(sign | (rounded - (112U << 23)) >> 13);
  }
};

/// Calls `call` with the struct above that a dtype is.
template <class Call>
auto with_elements(DType dtype, Call&& call) {
  switch (dtype) {
    case DType::float16:
      return call(Float16{});
    case DType::bfloat16:
      return call(Bfloat16{});
    case DType::float32:
      break;
  }
  return call(Float32{});
}

}  // namespace alng::cann::engine

#endif
