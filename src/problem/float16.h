// Scalar conversions between float32 and the 16-bit types, without hardware help: nearest even, denormals kept, every
// NaN becomes the canonical quiet NaN (bfloat16 to float32 moves bits and keeps it as it is). Integer arithmetic, so
// that neither rounding mode nor flush-to-zero of the host matters.
#ifndef ALNG_PROBLEM_FLOAT16_H
#define ALNG_PROBLEM_FLOAT16_H

#include <bit>
#include <cstdint>

namespace alng::impl {

inline constexpr std::uint32_t canonical_nan_float32 = 0x7FC00000u;
inline constexpr std::uint16_t canonical_nan_float16 = 0x7E00u;
inline constexpr std::uint16_t canonical_nan_bfloat16 = 0x7FC0u;

inline float float32_from_bfloat16(std::uint16_t bits) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

inline std::uint16_t bfloat16_from_float32(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return canonical_nan_bfloat16;
  // Adding half an ulp less one, and one more where the kept part is odd, rounds ties to even; a carry out of the
  // mantissa lands in the exponent, up to infinity.
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

inline float float32_from_float16(std::uint16_t half) noexcept {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1Fu;
  std::uint32_t mantissa = half & 0x3FFu;
  if (exponent == 0x1Fu) {
    return std::bit_cast<float>(mantissa != 0 ? canonical_nan_float32 : sign | 0x7F800000u);
  }
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  if (mantissa == 0) return std::bit_cast<float>(sign);
  // A float16 denormal is mantissa * 2^-24: normal in float32 once its leading one is shifted into place.
  const int shift = std::countl_zero(mantissa) - 21;
  mantissa = (mantissa << shift) & 0x3FFu;
  return std::bit_cast<float>(sign | (static_cast<std::uint32_t>(113 - shift) << 23) | (mantissa << 13));
}

inline std::uint16_t float16_from_float32(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return canonical_nan_float16;
  // 65520 = 0x477FF000 is the midpoint between the largest float16 and the next power of two: it rounds to infinity.
  if (magnitude >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);
  if (magnitude >= 0x38800000u) {  // 2^-14, the smallest normal float16
    const std::uint32_t rounded = magnitude + 0xFFFu + ((magnitude >> 13) & 1u);
    return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
  }
  // Below 2^-25 everything is less than half the smallest denormal; 2^-25 itself is a tie with zero, which is even.
  if (magnitude <= 0x33000000u) return static_cast<std::uint16_t>(sign);
  const std::uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
  const std::uint32_t shift = 126u - (magnitude >> 23);  // 14 to 24
  const std::uint32_t kept = mantissa >> shift;
  const std::uint32_t rest = mantissa & ((1u << shift) - 1u);
  const std::uint32_t half = 1u << (shift - 1u);
  const std::uint32_t up = rest > half || (rest == half && (kept & 1u) != 0) ? 1u : 0u;
  return static_cast<std::uint16_t>(sign | (kept + up));
}

}  // namespace alng::impl

#endif
