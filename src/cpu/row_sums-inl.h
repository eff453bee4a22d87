// The two sums of a row in canonical order (docs/numerics.md).

// Per-target include guard
#if defined(ALNG_CPU_ROW_SUMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_SUMS_INL_H
#undef ALNG_CPU_ROW_SUMS_INL_H
#else
#define ALNG_CPU_ROW_SUMS_INL_H
#endif

#include <algorithm>

#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::cpu::HWY_NAMESPACE {

template <class T>
struct Operands {
  const T* dy;
  const T* x1;
  const T* x2;
  float mean;
  float rstd;
};

// One stream of a segment: the terms at i, i+16, i+32, ..., each a vector of lanes. A segment of 512 is folded at distances
// 256 (the pair), 16, 32, 64, 128 (levels 1 to 4) by recursion, which keeps at most five vectors of each sum alive. What remains, distances 8 to 1,
// lies between lanes and streams. Terms beyond the row are +0 in the canonical order; they are left out here, which
// changes no bit because the whole sum starts from +0.
template <class T, bool kGamma, bool kX2>
struct RowStream {
  const T* dy;
  const T* x1;
  const T* x2;
  const float* gamma;

  HWY_INLINE void Terms(std::size_t i, V mean, V rstd, V& w, V& q) const {
    V x = Load(x1 + i);
    if constexpr (kX2) x = hn::Add(x, Load(x2 + i));
    w = Load(dy + i);
    if constexpr (kGamma) w = hn::Mul(w, Load(gamma + i));
    q = hn::Mul(w, hn::Mul(hn::Sub(x, mean), rstd));
  }

  // The first n < Lanes() lanes. The others must be made +0: there h is -mean * rstd, and 0 * h can be -0 or NaN.
  HWY_INLINE void TermsN(std::size_t i, std::size_t n, V mean, V rstd, V& w, V& q) const {
    V x = LoadN(x1 + i, n);
    if constexpr (kX2) x = hn::Add(x, LoadN(x2 + i, n));
    w = LoadN(dy + i, n);
    if constexpr (kGamma) w = hn::Mul(w, LoadN(gamma + i, n));
    q = hn::IfThenElseZero(hn::FirstN(F(), n), hn::Mul(w, hn::Mul(hn::Sub(x, mean), rstd)));
  }

  // 2^L steps of 16 from i on, with their partners at distance 256 where kPair; all within the row.
  template <int L, bool kPair>
  HWY_INLINE void Whole(std::size_t i, V mean, V rstd, V& w, V& q) const {
    V w2, q2;
    if constexpr (L > 0) {
      Whole<L - 1, kPair>(i, mean, rstd, w, q);
      Whole<L - 1, kPair>(i + (std::size_t{16} << (L - 1)), mean, rstd, w2, q2);
    } else {
      Terms(i, mean, rstd, w, q);
      if constexpr (!kPair) return;
      Terms(i + 256, mean, rstd, w2, q2);
    }
    w = hn::Add(w, w2);
    q = hn::Add(q, q2);
  }

  // The same where the row may end inside; i itself is within the row, which has n terms.
  template <int L>
  HWY_INLINE void Partial(std::size_t i, std::size_t n, V mean, V rstd, V& w, V& q) const {
    const std::size_t last = i + (std::size_t{16} << L) - 16;
    if (last + 256 + Lanes() <= n) return Whole<L, true>(i, mean, rstd, w, q);
    if (i + 256 >= n && last + Lanes() <= n) return Whole<L, false>(i, mean, rstd, w, q);
    V w2, q2;
    if constexpr (L > 0) {
      constexpr std::size_t half = std::size_t{16} << (L - 1);
      Partial<L - 1>(i, n, mean, rstd, w, q);
      if (i + half >= n) return;
      Partial<L - 1>(i + half, n, mean, rstd, w2, q2);
    } else {
      if (i + Lanes() <= n) {
        Terms(i, mean, rstd, w, q);
      } else {
        TermsN(i, n - i, mean, rstd, w, q);
      }
      if (i + 256 >= n) return;
      TermsN(i + 256, n - i - 256, mean, rstd, w2, q2);
    }
    w = hn::Add(w, w2);
    q = hn::Add(q, q2);
  }

  HWY_INLINE void Segment(std::size_t n, V mean, V rstd, float& w_sum, float& q_sum) const {
    const F d;
    alignas(64) float w_lanes[16];
    alignas(64) float q_lanes[16];
    for (std::size_t lane = 0; lane < 16; lane += Lanes()) {
      V w = hn::Zero(d), q = hn::Zero(d);
      if (n == 512) {
        Whole<4, true>(lane, mean, rstd, w, q);
      } else if (lane < n) {
        Partial<4>(lane, n, mean, rstd, w, q);
      }
      hn::Store(w, d, w_lanes + lane);
      hn::Store(q, d, q_lanes + lane);
    }
    FoldLanes(w_lanes, q_lanes, w_sum, q_sum);
  }
};

// At most 32 segment sums: folded at distances 16, 8, 4, 2, 1, padding left out.
inline float FoldSegments(float* sums, std::size_t count) {
  for (std::size_t distance = 16; distance > 0; distance /= 2) {
    for (std::size_t s = 0; s < distance && s + distance < count; ++s) sums[s] = sums[s] + sums[s + distance];
    count = std::min(count, distance);
  }
  return sums[0];
}

template <class T, bool kGamma, bool kX2>
HWY_NOINLINE void RowSums(const Operands<T>& row, const float* gamma, std::size_t columns, float& w_sum, float& q_sum) {
  const F d;
  const V mean = hn::Set(d, row.mean);
  const V rstd = hn::Set(d, row.rstd);
  w_sum = 0.0f;
  q_sum = 0.0f;
  for (std::size_t group = 0; group < columns; group += 32 * 512) {
    float w_segments[32], q_segments[32];
    std::size_t count = 0;
    for (std::size_t i = group; i < std::min(columns, group + 32 * 512); i += 512) {
      RowStream<T, kGamma, kX2> stream{row.dy + i, row.x1 + i, nullptr, nullptr};
      if constexpr (kX2) stream.x2 = row.x2 + i;
      if constexpr (kGamma) stream.gamma = gamma + i;
      stream.Segment(std::min<std::size_t>(512, columns - i), mean, rstd, w_segments[count], q_segments[count]);
      ++count;
    }
    w_sum = w_sum + FoldSegments(w_segments, count);
    q_sum = q_sum + FoldSegments(q_segments, count);
  }
}

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
