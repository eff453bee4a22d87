// The element types on the device: 16 bytes, or one element, to and from float32. Every NaN that is stored is
// canonical.
#ifndef ALNG_CUDA_ELEMENTS_H
#define ALNG_CUDA_ELEMENTS_H

#include "cuda/device.h"

namespace alng::impl::cuda {

ALNG_DEVICE float canonical(float v) { return v == v ? v : float_of(0x7FC00000u); }

struct Float32 {
  using Bits = float;
  /// Elements in 16 bytes.
  static constexpr int vector = 4;
  static ALNG_DEVICE void widen(uint4 from, float* to) {
    to[0] = float_of(from.x);
    to[1] = float_of(from.y);
    to[2] = float_of(from.z);
    to[3] = float_of(from.w);
  }
  static ALNG_DEVICE uint4 narrow(const float* from) {
    const auto bits = [&](int i) { return bits_of(canonical(from[i])); };
    return uint4{bits(0), bits(1), bits(2), bits(3)};
  }
  static ALNG_DEVICE float widen_one(float bits) { return bits; }
  static ALNG_DEVICE float narrow_one(float value) { return canonical(value); }
  static ALNG_DEVICE float rounded(float value) { return value; }
};

/// What the two 16-bit types share; Type has widen_one and pair. Rounding makes every NaN 0x7FFF, which as a signed
/// number is larger than all others, so that the smaller of it and the canonical one is the canonical one.
template <class Type>
struct SixteenBits {
  using Bits = std::uint16_t;
  static constexpr int vector = 8;
  static ALNG_DEVICE void widen(uint4 from, float* to) {
    const std::uint32_t pairs[4] = {from.x, from.y, from.z, from.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) Type::widen_pair(pairs[i], to + 2 * i);
  }
  static ALNG_DEVICE uint4 narrow(const float* from) {
    return uint4{Type::pair(from[0], from[1]), Type::pair(from[2], from[3]), Type::pair(from[4], from[5]),
                 Type::pair(from[6], from[7])};
  }
  static ALNG_DEVICE Bits narrow_one(float value) { return static_cast<Bits>(Type::pair(value, 0.0f)); }
  static ALNG_DEVICE float rounded(float value) { return Type::widen_one(narrow_one(value)); }
};

struct BFloat16 : SixteenBits<BFloat16> {
  static ALNG_DEVICE float widen_one(std::uint16_t bits) { return float_of(std::uint32_t{bits} << 16); }
  static ALNG_DEVICE void widen_pair(std::uint32_t pair, float* to) {
    to[0] = float_of(pair << 16);
    to[1] = float_of(pair & 0xFFFF0000u);
  }
  static ALNG_DEVICE std::uint32_t pair(float low, float high) {
    return smaller_halves(bfloat16_pair(low, high), 0x7FC07FC0u);
  }
};

struct Float16 : SixteenBits<Float16> {
  static ALNG_DEVICE float widen_one(std::uint16_t bits) { return float32_of_half(bits); }
  static ALNG_DEVICE void widen_pair(std::uint32_t pair, float* to) {
    to[0] = float32_of_half(pair & 0xFFFF);
    to[1] = float32_of_half(pair >> 16);
  }
  static ALNG_DEVICE std::uint32_t pair(float low, float high) {
    return smaller_halves(float16_pair(low, high), 0x7E007E00u);
  }
};

}  // namespace alng::impl::cuda

#endif
