#include "yardsticks/free_order.h"

#if defined(__x86_64__)
// GCC 12 warns of its own _mm512_undefined_*() (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include <array>
#include <cmath>
#include <cstring>

#define ALNG_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")))
#define ALNG_INLINE ALNG_TARGET inline __attribute__((always_inline))

namespace alng::cli {
namespace {
namespace avx512 {

using Vector = __m512;
constexpr int lanes = 16;

ALNG_INLINE Vector zero() { return _mm512_setzero_ps(); }
ALNG_INLINE Vector broadcast(float value) { return _mm512_set1_ps(value); }
ALNG_INLINE Vector load(const float* from) { return _mm512_loadu_ps(from); }
ALNG_INLINE void store(float* to, Vector v) { _mm512_storeu_ps(to, v); }
ALNG_INLINE Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
ALNG_INLINE Vector sub(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
ALNG_INLINE Vector mul(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
ALNG_INLINE Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
ALNG_INLINE Vector multiply_subtract(Vector a, Vector b, Vector c) { return _mm512_fnmadd_ps(a, b, c); }
ALNG_INLINE float sum(Vector v) { return _mm512_reduce_add_ps(v); }

template <DType dtype>
struct Elements;

template <>
struct Elements<DType::float32> {
  using Storage = float;
  static constexpr int parts = 1;

  ALNG_INLINE static __mmask16 mask(int count) { return static_cast<__mmask16>((1U << count) - 1U); }
  ALNG_INLINE static void load(Vector* to, const float* from) { to[0] = _mm512_loadu_ps(from); }
  ALNG_INLINE static void load_part(Vector* to, const float* from, int count) {
    to[0] = _mm512_maskz_loadu_ps(mask(count), from);
  }
  ALNG_INLINE static void store(float* to, const Vector* from) { _mm512_storeu_ps(to, from[0]); }
  ALNG_INLINE static void store_part(float* to, const Vector* from, int count) {
    _mm512_mask_storeu_ps(to, mask(count), from[0]);
  }
  ALNG_INLINE static void write_floats(float* to, const Vector* from) { store(to, from); }
};

template <>
struct Elements<DType::float16> {
  using Storage = std::uint16_t;
  static constexpr int parts = 1;

  ALNG_INLINE static __mmask16 mask(int count) { return static_cast<__mmask16>((1U << count) - 1U); }
  ALNG_INLINE static void load(Vector* to, const Storage* from) {
    to[0] = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  ALNG_INLINE static void load_part(Vector* to, const Storage* from, int count) {
    to[0] = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask(count), from));
  }
  ALNG_INLINE static void store(Storage* to, const Vector* from) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtps_ph(from[0], _MM_FROUND_TO_NEAREST_INT));
  }
  ALNG_INLINE static void store_part(Storage* to, const Vector* from, int count) {
    _mm256_mask_storeu_epi16(to, mask(count), _mm512_cvtps_ph(from[0], _MM_FROUND_TO_NEAREST_INT));
  }
  ALNG_INLINE static void write_floats(float* to, const Vector* from) { _mm512_storeu_ps(to, from[0]); }
};

// 32 elements at once: a float32 is one shift (even elements) or one mask (odd ones) away, without the shuffle that
// widening neighbours takes. The order does not matter for these sums. Rounding keeps denormals, which
// vcvtneps2bf16 would not.
template <>
struct Elements<DType::bfloat16> {
  using Storage = std::uint16_t;
  static constexpr int parts = 2;

  ALNG_INLINE static __mmask32 mask(int count) { return static_cast<__mmask32>((std::uint64_t{1} << count) - 1); }
  ALNG_INLINE static __m512i odd() { return _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)); }
  ALNG_INLINE static void widen(Vector* to, __m512i both) {
    to[0] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    to[1] = _mm512_castsi512_ps(_mm512_and_si512(both, odd()));
  }
  ALNG_INLINE static __m512i round(Vector v) {
    const __m512i bits = _mm512_castps_si512(v);
    const __m512i last = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    return _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF)), last);
  }
  ALNG_INLINE static __m512i narrow(const Vector* from) {
    // a | (b & c)
    return _mm512_ternarylogic_epi32(_mm512_srli_epi32(round(from[0]), 16), round(from[1]), odd(), 0xF8);
  }
  ALNG_INLINE static void load(Vector* to, const Storage* from) { widen(to, _mm512_loadu_si512(from)); }
  ALNG_INLINE static void load_part(Vector* to, const Storage* from, int count) {
    widen(to, _mm512_maskz_loadu_epi16(mask(count), from));
  }
  ALNG_INLINE static void store(Storage* to, const Vector* from) { _mm512_storeu_si512(to, narrow(from)); }
  ALNG_INLINE static void store_part(Storage* to, const Vector* from, int count) {
    _mm512_mask_storeu_epi16(to, mask(count), narrow(from));
  }
  ALNG_INLINE static void write_floats(float* to, const Vector* from) {
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    _mm512_storeu_ps(to, _mm512_permutex2var_ps(from[0], low, from[1]));
    _mm512_storeu_ps(to + 16, _mm512_permutex2var_ps(from[0], high, from[1]));
  }
};

#undef ALNG_INLINE
#include "yardsticks/free_order-inl.h"
// These build on it.
#include "yardsticks/free_forward-inl.h"
#include "yardsticks/free_grad-inl.h"

}  // namespace avx512
}  // namespace

FreeOrderKernels free_forward_avx512(DType dtype) { return avx512::forward_kernels_for("avx512", dtype); }
FreeOrderKernels free_grad_avx512(DType dtype, bool dsum) { return avx512::grad_kernels_for("avx512", dtype, dsum); }

}  // namespace alng::cli
#endif
