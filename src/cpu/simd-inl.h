// The only user of Highway: float32 vectors of up to 16 lanes, and loads and stores that convert from and to the
// dtypes, so that no element type appears in the arithmetic. Compiled once for each instruction set.
//
// The canonical order folds spans of 32 terms, which are one step with AVX-512 and several of fewer lanes elsewhere
// (FoldPart in row_fold-inl.h).

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

// For lambdas of a kernel: without it gcc calls the larger ones, and vectors go through memory.
#undef ALNG_INLINE_LAMBDA
#define ALNG_INLINE_LAMBDA HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {
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

// Where stores go. BuildingRow in row_access-inl.h is another such class.
struct ThroughCaches {
  template <class D, class E>
  HWY_INLINE void Put(D d, hn::Vec<D> v, E* p) const {
    hn::StoreU(v, d, p);
  }
};
template <class To>
HWY_INLINE void Store(V v, float* p, const To& to) {
  to.Put(F(), CanonicalNaN(v), p);
}
template <class To>
HWY_INLINE void Store(V v, BFloat16* p, const To& to) {
  to.Put(U16(), BFloat16Bits(v), &p->bits);
}
template <class To>
HWY_INLINE void Store(V v, Float16* p, const To& to) {
  to.Put(U16(), Float16Bits(v), &p->bits);
}

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

// ---------------------------------------------------------------- steps
// A step is what the kernels compute with at once: a vector, or on x86 two of them. Kernels are written for either; a
// vector stands for two equal ones.

HWY_INLINE V Add(V a, V b) { return hn::Add(a, b); }
HWY_INLINE V Sub(V a, V b) { return hn::Sub(a, b); }
HWY_INLINE V Mul(V a, V b) { return hn::Mul(a, b); }

// What a load shall return: a vector (which can't be the member of a struct where its size is not known), or Two.
template <class S>
struct As {};

// The elements of a step at p: all of them, or the first n (0 < n < all) and +0 for the others.
template <bool kWhole, class T>
HWY_INLINE V LoadStep(As<V>, const T* p, size_t n) {
  if constexpr (kWhole) return Load(p);
  return LoadN(p, n);
}
template <bool kWhole, class T, class To>
HWY_INLINE void StoreStep(V v, T* p, size_t n, const To& to) {
  kWhole ? Store(v, p, to) : StoreN(v, p, n);
}
// The first n elements, +0 for the others.
template <class T>
HWY_INLINE V FirstOf(V v, size_t n) {
  return hn::IfThenElseZero(hn::FirstN(F(), n), v);
}

// v as T holds it: what a store writes and a load of it then gives.
template <class T>
HWY_INLINE V Rounded(V v) {
  if constexpr (std::is_same_v<T, float>) return v;
  if constexpr (std::is_same_v<T, BFloat16>) {
    return hn::BitCast(F(), hn::ShiftLeft<16>(hn::PromoteTo(U32(), BFloat16Bits(v))));
  }
  if constexpr (std::is_same_v<T, Float16>) {
#if HWY_TARGET == HWY_SCALAR
    return hn::Set(F(), float32_from_float16(float16_from_float32(hn::GetLane(v))));
#else
    const hn::Rebind<hwy::float16_t, F> d16;
    return hn::PromoteTo(F(), hn::DemoteTo(d16, CanonicalNaN(v)));
#endif
  }
}

// The kernels' own arrays (h, x, column sums, their copies of gamma and beta): float32, padded to whole steps, in the
// order in which the elements of a step lie in its vectors.
HWY_INLINE V LoadOwn(As<V>, const float* p) { return hn::LoadU(F(), p); }
HWY_INLINE void StoreOwn(V v, float* p) { hn::StoreU(v, F(), p); }
// +0 where `zero`, with no branch.
HWY_INLINE V LoadOwnOrZero(As<V>, bool zero, const float* p) {
  return hn::MaskedLoad(hn::FirstN(F(), zero ? 0 : Lanes()), F(), p);
}

#undef ALNG_HAVE_PAIRS
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
#define ALNG_HAVE_PAIRS 1

constexpr size_t kLanes = hn::MaxLanes(F());

struct Two {
  HWY_INLINE Two() = default;
  HWY_INLINE Two(V both) : first(both), second(both) {}
  HWY_INLINE Two(V one, V other) : first(one), second(other) {}
  V first, second;
};
HWY_INLINE Two Add(Two a, Two b) { return {Add(a.first, b.first), Add(a.second, b.second)}; }
HWY_INLINE Two Sub(Two a, Two b) { return {Sub(a.first, b.first), Sub(a.second, b.second)}; }
HWY_INLINE Two Mul(Two a, Two b) { return {Mul(a.first, b.first), Mul(a.second, b.second)}; }
HWY_INLINE Two Fma(Two a, Two b, Two c) { return {Fma(a.first, b.first, c.first), Fma(a.second, b.second, c.second)}; }
HWY_INLINE Two NegFma(Two a, Two b, Two c) {
  return {NegFma(a.first, b.first, c.first), NegFma(a.second, b.second, c.second)};
}

template <class T>
HWY_INLINE Two Rounded(Two v) {
  return {Rounded<T>(v.first), Rounded<T>(v.second)};
}

HWY_INLINE Two LoadOwn(As<Two>, const float* p) { return {hn::LoadU(F(), p), hn::LoadU(F(), p + kLanes)}; }
HWY_INLINE void StoreOwn(Two v, float* p) {
  hn::StoreU(v.first, F(), p);
  hn::StoreU(v.second, F(), p + kLanes);
}
HWY_INLINE Two LoadOwnOrZero(As<Two>, bool zero, const float* p) {
  return {LoadOwnOrZero(As<V>(), zero, p), LoadOwnOrZero(As<V>(), zero, p + kLanes)};
}

// Both vectors are one store in 16 bits, and one branch that is never taken looks for the NaNs of both: four operations
// less than making each canonical.
HWY_INLINE Two CanonicalNaN(Two v) {
#if HWY_TARGET == HWY_AVX3
  const int nans = _mm512_cmp_ps_mask(v.first.raw, v.second.raw, _CMP_UNORD_Q);
#else
  const int nans = _mm256_movemask_ps(_mm256_cmp_ps(v.first.raw, v.second.raw, _CMP_UNORD_Q));
#endif
  if (HWY_LIKELY(nans == 0)) return v;
  return {CanonicalNaN(v.first), CanonicalNaN(v.second)};
}

// float32 and float16: one vector behind the other.
template <bool kWhole, class T>
HWY_INLINE Two LoadStep(As<Two>, const T* p, size_t n) {
  if constexpr (kWhole) return {Load(p), Load(p + kLanes)};
  if (n < kLanes) return {LoadN(p, n), hn::Zero(F())};
  return {Load(p), n > kLanes ? LoadN(p + kLanes, n - kLanes) : hn::Zero(F())};
}

// The elements of a step of a 16-bit dtype.
using Bits = hn::VFromD<hn::Repartition<uint16_t, F>>;

template <bool kWhole, class T, class To>
HWY_INLINE void StoreStep(Two v, T* p, size_t n, const To& to) {
  if constexpr (!kWhole) {
    if (n < kLanes) return StoreN(v.first, p, n);
    Store(v.first, p, ThroughCaches());
    if (n > kLanes) StoreN(v.second, p + kLanes, n - kLanes);
  } else if constexpr (std::is_same_v<T, float>) {
    Store(v.first, p, to);
    Store(v.second, p + kLanes, to);
  } else {
    const Two canonical = CanonicalNaN(v);
    const hn::Rebind<hwy::float16_t, F> half;
    const hn::Repartition<uint16_t, F> d16;
    const auto low = hn::BitCast(U16(), hn::DemoteTo(half, canonical.first));
    const auto high = hn::BitCast(U16(), hn::DemoteTo(half, canonical.second));
    to.Put(d16, hn::Combine(d16, high, low), &p->bits);
  }
}

// bfloat16: the even elements and the odd ones, a shift and a mask. Keeping elements in natural order would take two
// shuffles and two shifts to load and six operations instead of two to store, all on the two ports that are short of
// time: 0.47 instead of 0.32 ns an element on Zen 4.
template <class T>
constexpr bool kPaired = std::is_same_v<T, BFloat16>;

HWY_INLINE Two FromBits(Bits bits) {
  const hn::Repartition<uint32_t, F> d32;
  const auto both = hn::BitCast(d32, bits);
  return {hn::BitCast(F(), hn::ShiftLeft<16>(both)), hn::BitCast(F(), hn::And(both, hn::Set(d32, 0xFFFF0000u)))};
}

// Rounded to nearest even on the halves of both vectors at once: an element's upper half is incremented where the lower
// one is above 0x8000, or is 0x8000 and the upper one odd.
HWY_INLINE Bits ToBits(Two v) {
  const Two canonical = CanonicalNaN(v);
#if HWY_TARGET == HWY_AVX3
  const __m512i even = _mm512_castps_si512(canonical.first.raw);
  const __m512i odd = _mm512_castps_si512(canonical.second.raw);
  const __m512i upper_half = _mm512_set1_epi32(static_cast<int>(0xFFFF0000u));
  const __m512i one = _mm512_set1_epi16(1);
  // a | (b & upper_half), (a & ~upper_half) | b, and a | (b & one)
  const __m512i upper = _mm512_ternarylogic_epi32(_mm512_srli_epi32(even, 16), odd, upper_half, 0xF8);
  const __m512i lower = _mm512_ternarylogic_epi32(even, _mm512_slli_epi32(odd, 16), upper_half, 0xDC);
  const __m512i sticky = _mm512_ternarylogic_epi32(lower, upper, one, 0xF8);
  const __mmask32 up = _mm512_cmpgt_epu16_mask(sticky, _mm512_set1_epi16(static_cast<short>(0x8000)));
  return Bits{_mm512_mask_add_epi16(upper, up, upper, one)};
#else
  const __m256i even = _mm256_castps_si256(canonical.first.raw);
  const __m256i odd = _mm256_castps_si256(canonical.second.raw);
  const __m256i upper = _mm256_blend_epi16(_mm256_srli_epi32(even, 16), odd, 0xAA);
  const __m256i lower = _mm256_blend_epi16(even, _mm256_slli_epi32(odd, 16), 0xAA);
  const __m256i sticky = _mm256_or_si256(lower, _mm256_and_si256(upper, _mm256_set1_epi16(1)));
  // Without comparisons of unsigned numbers: above 0x8000 is above 0 once the highest bit is turned.
  const __m256i turned = _mm256_xor_si256(sticky, _mm256_set1_epi16(static_cast<short>(0x8000)));
  return Bits{_mm256_sub_epi16(upper, _mm256_cmpgt_epi16(turned, _mm256_setzero_si256()))};
#endif
}

#if HWY_TARGET == HWY_AVX3
// The first n of 32 lanes, 0 < n <= 32.
HWY_INLINE __mmask32 FirstOf32(size_t n) { return static_cast<__mmask32>(0xFFFFFFFFu >> (32 - n)); }
#endif

template <bool kWhole>
HWY_INLINE Two LoadStep(As<Two>, const BFloat16* p, size_t n) {
  const hn::Repartition<uint16_t, F> d16;
  if constexpr (kWhole) return FromBits(hn::LoadU(d16, &p->bits));
#if HWY_TARGET == HWY_AVX3
  return FromBits(Bits{_mm512_maskz_loadu_epi16(FirstOf32(n), p)});
#else
  alignas(32) uint16_t bits[2 * kLanes] = {};
  std::memcpy(bits, p, n * sizeof(uint16_t));
  return FromBits(hn::Load(d16, bits));
#endif
}

template <bool kWhole, class To>
HWY_INLINE void StoreStep(Two v, BFloat16* p, size_t n, const To& to) {
  const hn::Repartition<uint16_t, F> d16;
  const Bits bits = ToBits(v);
  if constexpr (kWhole) return to.Put(d16, bits, &p->bits);
#if HWY_TARGET == HWY_AVX3
  _mm512_mask_storeu_epi16(p, FirstOf32(n), bits.raw);
#else
  alignas(32) uint16_t stored[2 * kLanes];
  hn::Store(bits, d16, stored);
  std::memcpy(p, stored, n * sizeof(uint16_t));
#endif
}

template <class T>
HWY_INLINE Two FirstOf(Two v, size_t n) {
  const size_t first = kPaired<T> ? (n + 1) / 2 : HWY_MIN(n, kLanes);
  return {FirstOf<T>(v.first, first), FirstOf<T>(v.second, n - first)};
}

// A step of floats at a time, from natural order to pairs and back, in place.
inline void ToPairs(float* p, std::int64_t padded_columns) {
  for (float* end = p + padded_columns; p < end; p += 2 * kLanes) {
    Two pairs;
    hn::LoadInterleaved2(F(), p, pairs.first, pairs.second);
    StoreOwn(pairs, p);
  }
}
inline void FromPairs(float* p, std::int64_t padded_columns) {
  for (float* end = p + padded_columns; p < end; p += 2 * kLanes) {
    const Two pairs = LoadOwn(As<Two>(), p);
    hn::StoreInterleaved2(pairs.first, pairs.second, F(), p);
  }
}

using Step = Two;
constexpr size_t kStepVectors = 2;
#else
#define ALNG_HAVE_PAIRS 0
template <class T>
constexpr bool kPaired = false;
using Step = V;
constexpr size_t kStepVectors = 1;
#endif

HWY_INLINE size_t StepElements() { return kStepVectors * Lanes(); }

// Step by step over a row: step.operator()<true>(i, 0) for each whole one at i, step.operator()<false>(i, n) for the n
// elements that may be left.
template <class Do>
HWY_INLINE void ForEachStep(size_t columns, const Do& step) {
  size_t i = 0;
  for (; i + StepElements() <= columns; i += StepElements()) step.template operator()<true>(i, 0);
  if (i < columns) step.template operator()<false>(i, columns - i);
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
