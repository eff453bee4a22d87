#include "yardsticks/free_order.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <array>
#include <cmath>
#include <cstring>

#define ALNG_TARGET __attribute__((target("avx2,fma,f16c")))
#define ALNG_INLINE ALNG_TARGET inline __attribute__((always_inline))

namespace alng::cli {
namespace {
namespace avx2 {

using Vector = __m256;
constexpr int lanes = 8;

ALNG_INLINE Vector zero() { return _mm256_setzero_ps(); }
ALNG_INLINE Vector broadcast(float value) { return _mm256_set1_ps(value); }
ALNG_INLINE Vector load(const float* from) { return _mm256_loadu_ps(from); }
ALNG_INLINE void store(float* to, Vector v) { _mm256_storeu_ps(to, v); }
ALNG_INLINE Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
ALNG_INLINE Vector sub(Vector a, Vector b) { return _mm256_sub_ps(a, b); }
ALNG_INLINE Vector mul(Vector a, Vector b) { return _mm256_mul_ps(a, b); }
ALNG_INLINE Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
ALNG_INLINE Vector multiply_subtract(Vector a, Vector b, Vector c) { return _mm256_fnmadd_ps(a, b, c); }
ALNG_INLINE float sum(Vector v) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

template <DType dtype>
struct Elements;

template <>
struct Elements<DType::float32> {
  using Storage = float;
  static constexpr int parts = 1;

  ALNG_INLINE static __m256i mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  ALNG_INLINE static void load(Vector* to, const float* from) { to[0] = _mm256_loadu_ps(from); }
  ALNG_INLINE static void load_part(Vector* to, const float* from, int count) {
    to[0] = _mm256_maskload_ps(from, mask(count));
  }
  ALNG_INLINE static void store(float* to, const Vector* from) { _mm256_storeu_ps(to, from[0]); }
  ALNG_INLINE static void store_part(float* to, const Vector* from, int count) {
    _mm256_maskstore_ps(to, mask(count), from[0]);
  }
  ALNG_INLINE static void write_floats(float* to, const Vector* from) { store(to, from); }
};

// AVX2 masks nothing narrower than 32 bits: the end of a row goes through a buffer.
template <class Whole, int step>
struct PartsThroughBuffer {
  ALNG_INLINE static void load_part(Vector* to, const std::uint16_t* from, int count) {
    std::uint16_t buffer[step] = {};
    std::memcpy(buffer, from, 2 * static_cast<std::size_t>(count));
    Whole::load(to, buffer);
  }
  ALNG_INLINE static void store_part(std::uint16_t* to, const Vector* from, int count) {
    std::uint16_t buffer[step];
    Whole::store(buffer, from);
    std::memcpy(to, buffer, 2 * static_cast<std::size_t>(count));
  }
};

template <>
struct Elements<DType::float16> : PartsThroughBuffer<Elements<DType::float16>, 8> {
  using Storage = std::uint16_t;
  static constexpr int parts = 1;

  ALNG_INLINE static void load(Vector* to, const Storage* from) {
    to[0] = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  ALNG_INLINE static void store(Storage* to, const Vector* from) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(from[0], _MM_FROUND_TO_NEAREST_INT));
  }
  ALNG_INLINE static void write_floats(float* to, const Vector* from) { _mm256_storeu_ps(to, from[0]); }
};

// As for AVX-512: even elements by a shift, odd ones by a mask.
template <>
struct Elements<DType::bfloat16> : PartsThroughBuffer<Elements<DType::bfloat16>, 16> {
  using Storage = std::uint16_t;
  static constexpr int parts = 2;

  ALNG_INLINE static __m256i round(Vector v) {
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7FFF)), last);
  }
  ALNG_INLINE static void load(Vector* to, const Storage* from) {
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    to[0] = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
    to[1] = _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32(static_cast<int>(0xFFFF0000U))));
  }
  ALNG_INLINE static void store(Storage* to, const Vector* from) {
    const __m256i both = _mm256_blend_epi16(_mm256_srli_epi32(round(from[0]), 16), round(from[1]), 0xAA);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), both);
  }
  ALNG_INLINE static void write_floats(float* to, const Vector* from) {
    const Vector low = _mm256_unpacklo_ps(from[0], from[1]);   // 0-3, 8-11
    const Vector high = _mm256_unpackhi_ps(from[0], from[1]);  // 4-7, 12-15
    _mm256_storeu_ps(to, _mm256_permute2f128_ps(low, high, 0x20));
    _mm256_storeu_ps(to + 8, _mm256_permute2f128_ps(low, high, 0x31));
  }
};

#undef ALNG_INLINE
#include "yardsticks/free_order-inl.h"
// These build on it.
#include "yardsticks/free_forward-inl.h"
#include "yardsticks/free_grad-inl.h"

}  // namespace avx2
}  // namespace

FreeOrderKernels free_forward_avx2(DType dtype) { return avx2::forward_kernels_for("avx2", dtype); }
FreeOrderKernels free_grad_avx2(DType dtype, bool dsum) { return avx2::grad_kernels_for("avx2", dtype, dsum); }

}  // namespace alng::cli
#endif
