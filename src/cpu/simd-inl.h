// The only user of Highway: float32 vectors of up to 16 lanes, and loads and stores that convert from and to the
// dtypes, so that no element type appears in the arithmetic. Compiled once for each instruction set.
//
// The canonical order is written for 16 lanes. A vector of N < 16 lanes does a 16-lane step in 16/N streams
// (row_step-inl.h).

// Per-target include guard
#if defined(ALNG_CPU_SIMD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_SIMD_INL_H
#undef ALNG_CPU_SIMD_INL_H
#else
#define ALNG_CPU_SIMD_INL_H
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "problem/float16.h"

HWY_BEFORE_NAMESPACE();
namespace alng::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, 16>;
using V = hn::Vec<F>;
using U16 = hn::Rebind<uint16_t, F>;
using U32 = hn::Rebind<uint32_t, F>;

// Element types by name: the 16-bit ones are distinct so that they select their own conversion.
struct BFloat16 {
  uint16_t bits;
};
struct Float16 {
  uint16_t bits;
};

HWY_INLINE size_t Lanes() { return hn::Lanes(F()); }

// a * b + c and c - a * b with one rounding. Highway's scalar target rounds twice.
HWY_INLINE V Fma(V a, V b, V c) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(F(), std::fma(hn::GetLane(a), hn::GetLane(b), hn::GetLane(c)));
#else
  return hn::MulAdd(a, b, c);
#endif
}
HWY_INLINE V NegFma(V a, V b, V c) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(F(), std::fma(-hn::GetLane(a), hn::GetLane(b), hn::GetLane(c)));
#else
  return hn::NegMulAdd(a, b, c);
#endif
}

// ---------------------------------------------------------------- whole vectors

HWY_INLINE V Load(const float* p) { return hn::LoadU(F(), p); }

HWY_INLINE V Load(const BFloat16* p) {
  const U32 du32;
  const auto bits = hn::PromoteTo(du32, hn::LoadU(U16(), &p->bits));
  return hn::BitCast(F(), hn::ShiftLeft<16>(bits));
}

HWY_INLINE V Load(const Float16* p) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(F(), float32_from_float16(p->bits));  // Highway's own scalar conversion is not exact for denormals
#else
  const hn::Rebind<hwy::float16_t, F> d16;
  return hn::PromoteTo(F(), hn::BitCast(d16, hn::LoadU(U16(), &p->bits)));
#endif
}

// Every NaN the same, so that the processor's choice of payload and sign is not seen.
HWY_INLINE V CanonicalNaN(V v) {
  return hn::IfThenElse(hn::Eq(v, v), v, hn::BitCast(F(), hn::Set(U32(), canonical_nan_float32)));
}

HWY_INLINE hn::Vec<U16> BFloat16Bits(V v) {
  const U32 du32;
  const hn::Rebind<int32_t, F> di32;
  const auto bits = hn::BitCast(du32, CanonicalNaN(v));
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du32, 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du32, 0x7FFF)));
  // The hardware's conversion to bfloat16 flushes denormals; integers do not.
  return hn::DemoteTo(U16(), hn::BitCast(di32, hn::ShiftRight<16>(rounded)));
}

HWY_INLINE hn::Vec<U16> Float16Bits(V v) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Set(U16(), float16_from_float32(hn::GetLane(v)));
#else
  const hn::Rebind<hwy::float16_t, F> d16;
  return hn::BitCast(U16(), hn::DemoteTo(d16, CanonicalNaN(v)));
#endif
}

HWY_INLINE void Store(V v, float* p) { hn::StoreU(CanonicalNaN(v), F(), p); }
HWY_INLINE void Store(V v, BFloat16* p) { hn::StoreU(BFloat16Bits(v), U16(), &p->bits); }
HWY_INLINE void Store(V v, Float16* p) { hn::StoreU(Float16Bits(v), U16(), &p->bits); }

// Past the caches; p is aligned to a vector of its type.
HWY_INLINE void Stream(V v, float* p) { hn::Stream(CanonicalNaN(v), F(), p); }
HWY_INLINE void Stream(V v, BFloat16* p) { hn::Stream(BFloat16Bits(v), U16(), &p->bits); }
HWY_INLINE void Stream(V v, Float16* p) { hn::Stream(Float16Bits(v), U16(), &p->bits); }

// ---------------------------------------------------------------- the first n lanes, 0 < n < Lanes()
// Nothing outside them is read or written; lanes beyond are +0.

#if HWY_TARGET == HWY_AVX3 || HWY_HAVE_SCALABLE
// Masked accesses of these sets do not touch what is masked out.
HWY_INLINE V LoadN(const float* p, size_t n) { return hn::MaskedLoad(hn::FirstN(F(), n), F(), p); }
HWY_INLINE void StoreN(V v, float* p, size_t n) { hn::BlendedStore(CanonicalNaN(v), hn::FirstN(F(), n), F(), p); }
HWY_INLINE hn::Vec<U16> LoadBitsN(const uint16_t* p, size_t n) {
  return hn::MaskedLoad(hn::FirstN(U16(), n), U16(), p);
}
HWY_INLINE void StoreBitsN(hn::Vec<U16> v, uint16_t* p, size_t n) {
  hn::BlendedStore(v, hn::FirstN(U16(), n), U16(), p);
}
#else
HWY_INLINE V LoadN(const float* p, size_t n) {
  alignas(64) float lanes[16] = {};
  std::memcpy(lanes, p, n * sizeof(float));
  return hn::Load(F(), lanes);
}
HWY_INLINE void StoreN(V v, float* p, size_t n) {
  alignas(64) float lanes[16];
  hn::Store(CanonicalNaN(v), F(), lanes);
  std::memcpy(p, lanes, n * sizeof(float));
}
HWY_INLINE hn::Vec<U16> LoadBitsN(const uint16_t* p, size_t n) {
  alignas(64) uint16_t lanes[16] = {};
  std::memcpy(lanes, p, n * sizeof(uint16_t));
  return hn::Load(U16(), lanes);
}
HWY_INLINE void StoreBitsN(hn::Vec<U16> v, uint16_t* p, size_t n) {
  alignas(64) uint16_t lanes[16];
  hn::Store(v, U16(), lanes);
  std::memcpy(p, lanes, n * sizeof(uint16_t));
}
#endif

HWY_INLINE V LoadN(const BFloat16* p, size_t n) {
  const auto bits = hn::PromoteTo(U32(), LoadBitsN(&p->bits, n));
  return hn::BitCast(F(), hn::ShiftLeft<16>(bits));
}
HWY_INLINE V LoadN(const Float16* p, size_t n) {
#if HWY_TARGET == HWY_SCALAR
  (void)n;  // a one-lane vector has no tail
  return Load(p);
#else
  const hn::Rebind<hwy::float16_t, F> d16;
  return hn::PromoteTo(F(), hn::BitCast(d16, LoadBitsN(&p->bits, n)));
#endif
}
HWY_INLINE void StoreN(V v, BFloat16* p, size_t n) { StoreBitsN(BFloat16Bits(v), &p->bits, n); }
HWY_INLINE void StoreN(V v, Float16* p, size_t n) { StoreBitsN(Float16Bits(v), &p->bits, n); }

// ---------------------------------------------------------------- either

// For code that knows at compile time whether a vector is whole, and for code that does not.
template <bool kWhole, class T>
HWY_INLINE V LoadMaybe(const T* p, size_t n) {
  if constexpr (kWhole) return Load(p);
  return LoadN(p, n);
}
template <class T>
HWY_INLINE V LoadAny(const T* p, size_t n) {
  return n == Lanes() ? Load(p) : LoadN(p, n);
}
template <class T>
HWY_INLINE void StoreAny(V v, T* p, size_t n) {
  if (n == Lanes()) return Store(v, p);
  return StoreN(v, p, n);
}

// ---------------------------------------------------------------- pairs
// bfloat16 in AVX-512: 32 elements are one vector of 16-bit lanes, and their even and odd elements become two float32
// vectors with a shift and a mask. Keeping elements in natural order would take two shuffles and two shifts to load and
// six operations instead of two to store, all on the two ports that are short of time: 0.47 instead of 0.32 ns an
// element on Zen 4. Arrays that only the kernels see (h, column sums, their copy of gamma) hold each 32 elements in
// this paired order.

#undef ALNG_HAVE_PAIRS
#undef ALNG_HAVE_TWO_VECTORS
#if HWY_TARGET == HWY_AVX3
#define ALNG_HAVE_PAIRS 1
#define ALNG_HAVE_TWO_VECTORS 1
template <class T>
constexpr bool kPaired = std::is_same_v<T, BFloat16>;

// The first n of 32 lanes, 0 < n <= 32.
HWY_INLINE __mmask32 FirstOf32(size_t n) { return static_cast<__mmask32>(0xFFFFFFFFu >> (32 - n)); }

template <bool kWhole>
HWY_INLINE void LoadPair(const BFloat16* p, size_t n, V& even, V& odd) {
  const __m512i bits = kWhole ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi16(FirstOf32(n), p);
  even = V{_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16))};
  odd = V{_mm512_castsi512_ps(_mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xFFFF0000u))))};
}

// Rounded to nearest even on the halves of both vectors at once: an element's upper half is incremented where the lower
// one is above 0x8000, or is 0x8000 and the upper one odd.
template <bool kWhole>
HWY_INLINE void StorePair(V even, V odd, BFloat16* p, size_t n, bool stream) {
  // One comparison for both vectors, and a branch that is never taken: four operations less than making each canonical.
  if (HWY_UNLIKELY(_mm512_cmp_ps_mask(even.raw, odd.raw, _CMP_UNORD_Q) != 0)) {
    even = CanonicalNaN(even);
    odd = CanonicalNaN(odd);
  }
  const __m512i e = _mm512_castps_si512(even.raw);
  const __m512i o = _mm512_castps_si512(odd.raw);
  const __m512i upper_half = _mm512_set1_epi32(static_cast<int>(0xFFFF0000u));
  const __m512i one = _mm512_set1_epi16(1);
  // a | (b & upper_half), (a & ~upper_half) | b, and a | (b & one)
  const __m512i upper = _mm512_ternarylogic_epi32(_mm512_srli_epi32(e, 16), o, upper_half, 0xF8);
  const __m512i lower = _mm512_ternarylogic_epi32(e, _mm512_slli_epi32(o, 16), upper_half, 0xDC);
  const __m512i sticky = _mm512_ternarylogic_epi32(lower, upper, one, 0xF8);
  const __mmask32 up = _mm512_cmpgt_epu16_mask(sticky, _mm512_set1_epi16(static_cast<short>(0x8000)));
  const __m512i bits = _mm512_mask_add_epi16(upper, up, upper, one);
  if constexpr (!kWhole) {
    _mm512_mask_storeu_epi16(p, FirstOf32(n), bits);
  } else if (HWY_UNLIKELY(stream)) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(p), bits);
  } else {
    _mm512_storeu_si512(p, bits);
  }
}

// 32 floats at a time, from natural order to pairs and back, in place.
inline void ToPairs(float* p, std::int64_t padded_columns) {
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  for (float* end = p + padded_columns; p < end; p += 32) {
    const __m512 low = _mm512_loadu_ps(p);
    const __m512 high = _mm512_loadu_ps(p + 16);
    _mm512_storeu_ps(p, _mm512_permutex2var_ps(low, even, high));
    _mm512_storeu_ps(p + 16, _mm512_permutex2var_ps(low, odd, high));
  }
}
inline void FromPairs(float* p, std::int64_t padded_columns) {
  const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
  for (float* end = p + padded_columns; p < end; p += 32) {
    const __m512 even = _mm512_loadu_ps(p);
    const __m512 odd = _mm512_loadu_ps(p + 16);
    _mm512_storeu_ps(p, _mm512_permutex2var_ps(even, first, odd));
    _mm512_storeu_ps(p + 16, _mm512_permutex2var_ps(even, second, odd));
  }
}
#else
#define ALNG_HAVE_PAIRS 0
#define ALNG_HAVE_TWO_VECTORS 0
template <class T>
constexpr bool kPaired = false;
#endif
#if HWY_TARGET == HWY_AVX3
// 32 elements as two vectors: a pair, or one vector behind the other. The first n of them where not kWhole, 0 < n
// <= 32.
template <bool kWhole, class T>
HWY_INLINE void LoadTwo(const T* p, size_t n, V& first, V& second) {
  if constexpr (kPaired<T>) {
    LoadPair<kWhole>(p, n, first, second);
  } else if constexpr (kWhole) {
    first = Load(p);
    second = Load(p + 16);
  } else {
    first = LoadAny(p, HWY_MIN(n, 16));
    second = n > 16 ? LoadAny(p + 16, n - 16) : hn::Zero(F());
  }
}

// gamma as the caller gave it; or in float32 and in the order of the kernels of T, and where that is their own it is
// their own copy, which is padded.
template <class T, bool kWhole, class Gamma>
HWY_INLINE void LoadTwoGamma(const Gamma* p, size_t n, V& first, V& second) {
  LoadTwo<kWhole || (kPaired<T> && std::is_same_v<Gamma, float>)>(p, n, first, second);
}

// +0 in all but the first n of 32 elements.
template <class T>
HWY_INLINE void KeepFirst(size_t n, V& first, V& second) {
  const F d;
  first = hn::IfThenElseZero(hn::FirstN(d, kPaired<T> ? (n + 1) / 2 : n), first);
  second = hn::IfThenElseZero(hn::FirstN(d, kPaired<T> ? n / 2 : n - HWY_MIN(n, 16)), second);
}

// `stream`: past the caches; p is aligned to a line.
template <bool kWhole, class T>
HWY_INLINE void StoreTwo(V first, V second, T* p, size_t n, bool stream) {
  if constexpr (kPaired<T>) return StorePair<kWhole>(first, second, p, n, stream);
  if constexpr (!kWhole) {
    StoreAny(first, p, HWY_MIN(n, 16));
    if (n > 16) StoreAny(second, p + 16, n - 16);
  } else if constexpr (std::is_same_v<T, float>) {
    if (stream) {
      Stream(first, p);
      Stream(second, p + 16);
    } else {
      Store(first, p);
      Store(second, p + 16);
    }
  } else {
    // A line at once, and a branch that is never taken for both vectors' NaNs, as in StorePair.
    if (HWY_UNLIKELY(_mm512_cmp_ps_mask(first.raw, second.raw, _CMP_UNORD_Q) != 0)) {
      first = CanonicalNaN(first);
      second = CanonicalNaN(second);
    }
    const auto half = [](V v)
                          HWY_ATTR { return _mm512_cvtps_ph(v.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); };
    const __m512i line = _mm512_inserti64x4(_mm512_castsi256_si512(half(first)), half(second), 1);
    if (stream) {
      _mm512_stream_si512(reinterpret_cast<__m512i*>(p), line);
    } else {
      _mm512_storeu_si512(p, line);
    }
  }
}
#endif

// What is loaded and stored at once: a vector, or a pair of them.
template <class T>
HWY_INLINE size_t AccessElements() {
  return kPaired<T> ? 32 : Lanes();
}

// The sums of a segment before they meet across lanes: of terms 32 apart.
constexpr size_t kSpan = 32;

// A step of the row sweep is one vector; or a whole span in two, where there are registers for it: 32 of 16 lanes.
constexpr bool kTwoVectors = ALNG_HAVE_TWO_VECTORS != 0;
HWY_INLINE size_t StepElements() { return kTwoVectors ? kSpan : Lanes(); }

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
