// From terms to the two sums of a row, w and q, in canonical order (docs/numerics.md); and in the same loop a sum u of
// another row of the same length, for kernels that have one.
//
// A segment of 512 terms is folded at distances 32 and 64 (within a part, in registers), 128 and 256 (between parts),
// 16, 8, 4, 2 and 1; up to 32 segments likewise. Terms beyond the row are +0 in the canonical order. Where they are
// left out or more of them are added, no bit changes, because the whole sum starts from +0.

// Per-target include guard
#if defined(ALNG_CPU_ROW_FOLD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_FOLD_INL_H
#undef ALNG_CPU_ROW_FOLD_INL_H
#else
#define ALNG_CPU_ROW_FOLD_INL_H
#endif

#include <algorithm>
#include <bit>

#include "cpu/simd-inl.h"
#include "order/row_sum.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

struct RowSums {
  float w;
  float q;
  float u;
};

constexpr size_t kSegment = segment_terms;
// The sums of a segment before they meet across lanes: of terms 32 apart.
constexpr size_t kSpan = 32;
// With AVX-512 a step is a span, and its sums stay in registers from span to span; elsewhere they are in memory.
constexpr bool kStepIsSpan = HWY_TARGET == HWY_AVX3;
// A segment is four parts, of each of which a span of each sum is left: of w, q, u.
constexpr size_t kParts = 4;
constexpr size_t kPart = kSegment / kParts;
template <size_t kSums>
using Spans = float[kSums][kSpan];

// Values i of a sum's spans in 1 to kParts parts, added at distances 128 and 256.
template <size_t kSums>
HWY_INLINE V FoldParts(const Spans<kSums>* parts, size_t count, size_t sum, size_t i) {
  const F d;
  const auto value = [&](size_t part) HWY_ATTR { return hn::Load(d, parts[part][sum] + i); };
  if (count == 1) return value(0);
  const V two = hn::Add(value(0), value(1));
  if (count == 2) return two;
  return hn::Add(two, count == 3 ? value(2) : hn::Add(value(2), value(3)));
}

// Folds 16 values each of w and q at distances 8, 4, 2, 1. Aligned to 64 bytes. Where kPairs, in the order of pairs.
template <bool kPairs>
HWY_INLINE void FoldLanes(const float* HWY_RESTRICT w, const float* HWY_RESTRICT q, float& w_sum, float& q_sum) {
#if HWY_TARGET == HWY_SCALAR
  float a[8], b[8];
  for (int i = 0; i < 8; ++i) {
    a[i] = w[i] + w[i + 8];
    b[i] = q[i] + q[i + 8];
  }
  for (int distance = 4; distance > 0; distance /= 2) {
    for (int i = 0; i < distance; ++i) {
      a[i] = a[i] + a[i + distance];
      b[i] = b[i] + b[i + distance];
    }
  }
  w_sum = a[0];
  q_sum = b[0];
#else
  // Four lanes at a time are native everywhere. w and q share a vector from distance 2 on.
  const hn::FixedTag<float, 4> d;
  if constexpr (kPairs) {
    // Elements 0, 2, 4 to 14 and 1, 3, 5 to 15: distance 1 is between the halves and comes last.
    const auto fold = [&](const float* p) HWY_ATTR {
      const auto even = hn::Add(hn::Load(d, p), hn::Load(d, p + 4));
      const auto odd = hn::Add(hn::Load(d, p + 8), hn::Load(d, p + 12));
      const auto at_4 = hn::Add(hn::ConcatLowerLower(d, odd, even), hn::ConcatUpperUpper(d, odd, even));
      const auto at_2 = hn::Add(at_4, hn::Shuffle2301(at_4));
      return hn::GetLane(hn::Add(at_2, hn::Shuffle1032(at_2)));
    };
    w_sum = fold(w);
    q_sum = fold(q);
    return;
  }
  const auto w4 =
      hn::Add(hn::Add(hn::Load(d, w), hn::Load(d, w + 8)), hn::Add(hn::Load(d, w + 4), hn::Load(d, w + 12)));
  const auto q4 =
      hn::Add(hn::Add(hn::Load(d, q), hn::Load(d, q + 8)), hn::Add(hn::Load(d, q + 4), hn::Load(d, q + 12)));
  const auto wq = hn::Add(hn::ConcatLowerLower(d, q4, w4), hn::ConcatUpperUpper(d, q4, w4));  // w0+w2 w1+w3 q0+q2 q1+q3
  alignas(16) float lanes[4];
  hn::Store(hn::Add(wq, hn::Shuffle2301(wq)), d, lanes);
  w_sum = lanes[0];
  q_sum = lanes[2];
#endif
}

#if HWY_TARGET == HWY_AVX3
// The two halves of a vector, or the two quarters of each half: lane l + lane l+8, or lane l + lane l+4. Those of a go
// to the lower half, of b to the upper.
HWY_INLINE V FoldHalves(V a, V b) {
  const __m512 low = _mm512_shuffle_f32x4(a.raw, b.raw, 0x44);
  const __m512 high = _mm512_shuffle_f32x4(a.raw, b.raw, 0xEE);
  return V{_mm512_add_ps(low, high)};
}
HWY_INLINE V FoldQuarters(V a, V b) {
  const __m512 even = _mm512_shuffle_f32x4(a.raw, b.raw, 0x88);
  const __m512 odd = _mm512_shuffle_f32x4(a.raw, b.raw, 0xDD);
  return V{_mm512_add_ps(even, odd)};
}

// A span at distance 16.
template <class T>
HWY_INLINE V FoldTo16(Two span) {
  return kPaired<T> ? FoldHalves(span.first, span.second) : Add(span.first, span.second);
}
#endif

// What is left of one or two segments to their sums numbers kW and kQ, at distances 128, 256, 16, 8, 4, 2 and 1. The
// last segment has `count` parts.
template <class T, bool kTwo, size_t kW, size_t kQ, size_t kSums>
HWY_INLINE void FoldSegments(const Spans<kSums>* parts, size_t count, float* HWY_RESTRICT w_sums,
                             float* HWY_RESTRICT q_sums) {
#if HWY_TARGET == HWY_AVX3
  const auto at_16 = [](const Spans<kSums>* of, size_t n, size_t sum) HWY_ATTR {
    return FoldTo16<T>({FoldParts<kSums>(of, n, sum, 0), FoldParts<kSums>(of, n, sum, 16)});
  };
  // Paired lanes are elements 0, 2, 4 to 14 and 1, 3, 5 to 15 by now: distance 1 is between the halves and comes last.
  const auto at_8 = [&](const Spans<kSums>* of, size_t n) HWY_ATTR {
    const V w = at_16(of, n, kW), q = at_16(of, n, kQ);
    return kPaired<T> ? FoldQuarters(w, q).raw : FoldHalves(w, q).raw;
  };
  const auto add = [](__m512 v, __m512 other) HWY_ATTR { return _mm512_add_ps(v, other); };
  const __m512 one = at_8(parts, kTwo ? kParts : count);
  __m512 two = one, at_2, at_1;
  if constexpr (kTwo) two = at_8(parts + kParts, count);
  if constexpr (kPaired<T>) {
    const __m512 at_4 = kTwo ? add(_mm512_shuffle_ps(one, two, 0x44), _mm512_shuffle_ps(one, two, 0xEE))
                             : add(one, _mm512_permute_ps(one, 0x4E));
    at_2 = add(at_4, _mm512_permute_ps(at_4, 0xB1));
    at_1 = add(at_2, _mm512_shuffle_f32x4(at_2, at_2, 0xB1));
  } else {
    const __m512 at_4 = kTwo ? FoldQuarters(V{one}, V{two}).raw : add(one, _mm512_shuffle_f32x4(one, one, 0xB1));
    at_2 = add(at_4, _mm512_permute_ps(at_4, 0x4E));
    at_1 = add(at_2, _mm512_permute_ps(at_2, 0xB1));
  }
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, at_1);
  constexpr size_t q = kTwo && !kPaired<T> ? 4 : 8, second = kPaired<T> ? 2 : 8;
  w_sums[0] = lanes[0];
  q_sums[0] = lanes[q];
  if constexpr (kTwo) {
    w_sums[1] = lanes[second];
    q_sums[1] = lanes[second + q];
  }
#else
  const F d;
  for (size_t s = 0; s < (kTwo ? 2 : 1); ++s, parts += kParts) {
    const size_t n = kTwo && s == 0 ? kParts : count;
    alignas(64) float w_lanes[16], q_lanes[16];
    for (size_t i = 0; i < 16; i += Lanes()) {
      hn::Store(hn::Add(FoldParts<kSums>(parts, n, kW, i), FoldParts<kSums>(parts, n, kW, i + 16)), d, w_lanes + i);
      hn::Store(hn::Add(FoldParts<kSums>(parts, n, kQ, i), FoldParts<kSums>(parts, n, kQ, i + 16)), d, q_lanes + i);
    }
    FoldLanes<kPaired<T> >(w_lanes, q_lanes, w_sums[s], q_sums[s]);
  }
#endif
}

// 1 to 32 segment sums: folded at distances 16, 8, 4, 2, 1, padding left out.
HWY_INLINE float FoldGroup(float* sums, std::size_t count) {
  if (count == 1) return sums[0];
  for (; count > 2; count = std::bit_ceil(count) / 2) {
    const std::size_t distance = std::bit_ceil(count) / 2;
    for (std::size_t s = 0; s + distance < count; ++s) sums[s] = sums[s] + sums[s + distance];
  }
  return sums[0] + sums[1];
}

// The two loops over a part that a row can be swept with.
enum class Loop {
  unrolled,  // 8 vectors of each row: in cache, code is what a row costs
  short_     // 4 vectors of each row: out of cache the prefetchers go by the addresses of the loads, and on Zen 5 32
             // vectors unrolled are 1.25 times slower than 4, 8 are 1.04 times
};

// A loop of two iterations is unrolled whatever is asked for, unless their number is hidden.
HWY_INLINE size_t Opaque(size_t n) {
  __asm__("" : "+r"(n));
  return n;
}

// Two steps a span apart.
template <class Terms>
HWY_INLINE void TwoSteps(size_t i, const Terms& terms, Step& w, Step& q, Step& u) {
  Step w1, q1, u1;
  terms.template operator()<true>(i, 0, w, q, u);
  terms.template operator()<true>(i + kSpan, 0, w1, q1, u1);
  w = Add(w, w1);
  q = Add(q, q1);
  u = Add(u, u1);
}

template <size_t kSums>
HWY_INLINE void StoreSpans(Step w, Step q, Step u, Spans<kSums>& spans, size_t lane) {
  StoreOwn(w, spans[0] + lane);
  StoreOwn(q, spans[1] + lane);
  if constexpr (kSums == 3) StoreOwn(u, spans[2] + lane);
}

template <size_t kSums>
HWY_INLINE void AddToSpans(Step w, Step q, Step u, Spans<kSums>& spans, size_t lane) {
  const As<Step> as;
  w = Add(LoadOwn(as, spans[0] + lane), w);
  q = Add(LoadOwn(as, spans[1] + lane), q);
  if constexpr (kSums == 3) u = Add(LoadOwn(as, spans[2] + lane), u);
  StoreSpans<kSums>(w, q, u, spans, lane);
}

// The kPart elements at i, all within the row: their terms at distances 32 and 64 are added. In memory order as far as
// a span goes: a line that is written in two places of a loop leaves the processor in halves where it is written past
// the caches, which took ten times as long with AVX2.
template <Loop kLoop, size_t kSums, class Terms, class Ahead>
HWY_INLINE void FoldPart(size_t i, const Terms& terms, const Ahead& ahead, Spans<kSums>& spans) {
  Step w, q, u, w1, q1, u1;
  if constexpr (!kStepIsSpan) {
#pragma GCC unroll 1
    for (size_t half = 0; half < kPart; half += kPart / 2) {
#pragma GCC unroll 1
      for (size_t lane = 0; lane < kSpan; lane += StepElements()) {
        ahead(i + half + 2 * lane);
        TwoSteps(i + half + lane, terms, w, q, u);
        half == 0 ? StoreSpans<kSums>(w, q, u, spans, lane) : AddToSpans<kSums>(w, q, u, spans, lane);
      }
    }
    return;
  } else if constexpr (kLoop == Loop::short_) {
    w = q = u = hn::Zero(F());
    const size_t end = Opaque(kPart);
#pragma GCC unroll 1
    for (size_t at = 0; at < end; at += kPart / 2) {
      TwoSteps(i + at, terms, w1, q1, u1);
      w = Add(w, w1);
      q = Add(q, q1);
      u = Add(u, u1);
    }
  } else {
    ahead(i);
    TwoSteps(i, terms, w, q, u);
    ahead(i + kPart / 2);
    TwoSteps(i + kPart / 2, terms, w1, q1, u1);
    w = Add(w, w1);
    q = Add(q, q1);
    u = Add(u, u1);
  }
  StoreSpans<kSums>(w, q, u, spans, 0);
}

// The same where the row ends within the part, after n elements.
template <size_t kSums, class Terms, class Ahead>
HWY_INLINE void FoldLastPart(size_t i, size_t n, const Terms& terms, const Ahead& ahead, Spans<kSums>& spans) {
  const auto step = [&](size_t at, Step& w, Step& q, Step& u) ALNG_INLINE_LAMBDA {
    if (at + StepElements() <= n) {
      terms.template operator()<true>(i + at, 0, w, q, u);
    } else {
      terms.template operator()<false>(i + at, n - at, w, q, u);
    }
  };
  for (size_t at = 0; at < n; at += 2 * StepElements()) ahead(i + at);
  const V zero = hn::Zero(F());
  // Every second span is added to the one before it, and then both to the sum.
  if constexpr (!kStepIsSpan) {
    alignas(64) Spans<kSums> second;
    for (size_t lane = 0; lane < kSpan; lane += StepElements()) {
      StoreSpans<kSums>(zero, zero, zero, spans, lane);
      StoreSpans<kSums>(zero, zero, zero, second, lane);
    }
#pragma GCC unroll 1
    for (size_t at = 0; at < n; at += StepElements()) {
      Step w, q, u;
      step(at, w, q, u);
      AddToSpans<kSums>(w, q, u, at < kPart / 2 ? spans : second, at % kSpan);
    }
    for (size_t lane = 0; lane < kSpan; lane += StepElements()) {
      const As<Step> as;
      AddToSpans<kSums>(LoadOwn(as, second[0] + lane), LoadOwn(as, second[1] + lane),
                        LoadOwn(as, second[kSums - 1] + lane), spans, lane);
    }
  } else {
    Step w = zero, q = zero, u = zero, first_w = zero, first_q = zero, first_u = zero;
    bool second = false;
#pragma GCC unroll 1
    for (size_t at = 0; at < n; at += kSpan, second = !second) {
      Step w1, q1, u1;
      step(at, w1, q1, u1);
      first_w = Add(first_w, w1);
      first_q = Add(first_q, q1);
      first_u = Add(first_u, u1);
      if (!second) continue;
      w = Add(w, first_w);
      q = Add(q, first_q);
      u = Add(u, first_u);
      first_w = first_q = first_u = zero;
    }
    StoreSpans<kSums>(Add(w, first_w), Add(q, first_q), Add(u, first_u), spans, 0);
  }
}

// The sums of a row. `terms` makes those of a step, in memory order as far as lanes allow: terms.operator()<kWhole>(i,
// n, w, q, u) as in ForEachStep; u is not looked at where kSums is 2. ahead(i) is called before the 2 * StepElements()
// elements at i are needed, again and again over the row, and pause(end) where segments that end there are folded.
template <class T, Loop kLoop, size_t kSums, class Terms, class Ahead, class Pause>
HWY_INLINE RowSums FoldRow(size_t columns, const Terms& terms, const Ahead& ahead, const Pause& pause) {
  // Two segments are folded together: each alone is a chain of 50 cycles, which is most of what a processor can look
  // ahead.
  constexpr size_t together = kStepIsSpan && kLoop == Loop::unrolled ? 2 : 1;
  constexpr size_t group_columns = group_segments * kSegment;
  RowSums total{0.0f, 0.0f, 0.0f};
  for (size_t group = 0; group < columns; group += group_columns) {
    const size_t group_end = std::min(columns, group + group_columns);
    float w_segments[group_segments], q_segments[group_segments], u_segments[group_segments], unused[2];
    size_t count = 0;
    for (size_t begin = group; begin < group_end; begin += together * kSegment) {
      const size_t n = std::min(group_end - begin, together * kSegment);
      alignas(64) Spans<kSums> spans[together * kParts];
      size_t part = 0;
#pragma GCC unroll 1
      for (; (part + 1) * kPart <= n; ++part) {
        FoldPart<kLoop, kSums>(begin + part * kPart, terms, ahead, spans[part]);
      }
      if (part * kPart < n) {
        FoldLastPart<kSums>(begin + part * kPart, n - part * kPart, terms, ahead, spans[part]);
        ++part;
      }
      pause(begin + n);
      const auto fold = [&]<bool kTwo>(size_t parts_of_last) ALNG_INLINE_LAMBDA {
        FoldSegments<T, kTwo, 0, 1, kSums>(spans, parts_of_last, w_segments + count, q_segments + count);
        if constexpr (kSums == 3) {
          FoldSegments<T, kTwo, 2, 2, kSums>(spans, parts_of_last, u_segments + count, unused);
        }
        count += kTwo ? 2 : 1;
      };
      if (together == 2 && part > kParts) {
        fold.template operator()<true>(part - kParts);
      } else {
        fold.template operator()<false>(part);
      }
    }
    total.w = total.w + FoldGroup(w_segments, count);
    total.q = total.q + FoldGroup(q_segments, count);
    if constexpr (kSums == 3) total.u = total.u + FoldGroup(u_segments, count);
  }
  return total;
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
