// One sweep over a row: the two row sums of the row at hand in canonical order (docs/numerics.md), its share of the
// column sums, and, in the same loop, dx of the row before, whose sums are known by now.
//
// Doing both rows in one loop keeps memory busy with all streams at once (dy, x1, x2 of this row, dsum and dx of the
// one before) instead of reads alone and then writes alone, hides the latency of the row sums' last additions behind
// the next row, and loads gamma once for two uses. h is kept in float32 from one sweep to the next, so that x1 and x2
// are read once. As both rows are at hand, every second sweep adds both to the column sums: half the loads and stores
// of the sums, and 5 to 7 % less time at 4096 columns, where these come from the second-level cache.

// Per-target include guard
#if defined(ALNG_CPU_ROW_STEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_STEP_INL_H
#undef ALNG_CPU_ROW_STEP_INL_H
#else
#define ALNG_CPU_ROW_STEP_INL_H
#endif

#include <algorithm>

#include "cpu/row_fetch-inl.h"
#include "cpu/row_fold-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::cpu::HWY_NAMESPACE {

// The row at hand. x2 may be null.
template <class T>
struct Row {
  const T* dy;
  const T* x1;
  const T* x2;
  float mean;
  float rstd;
};

// The row before: its dx is still to be written. dx is null where there is none; dsum may be null.
template <class T>
struct PendingRow {
  const T* dy;
  const T* dsum;
  T* dx;
  float rstd;
  float m1;
  float m2;
  // dx is aligned to a line and written past the caches.
  bool stream;
};

// The two row sums: S1 and S2.
struct RowSums {
  float w;
  float q;
};

// A loop of two iterations is unrolled whatever is asked for, unless their number is hidden.
HWY_INLINE std::size_t Opaque(std::size_t n) {
  __asm__("" : "+r"(n));
  return n;
}

// Which rows a sweep adds to the column sums.
enum class Adds {
  nothing,
  row,       // the row at hand
  both_rows  // the pending row, which the sweep before left out, and then the row at hand
};

// Where inputs are fetched to and how dx is written.
enum class Memory {
  any,           // inputs into the second-level cache or not at all, dx past the caches or not: members say
  near,          // inputs into the first-level cache; dx through the caches
  near_streamed  // inputs into the first-level cache; dx past the caches
};

// kFull: gamma, x2, dsum and a pending row are all there, which is the usual case and then needs no branches.
// kFirst: the column sums begin with this sweep, from +0. Gamma: float, or T where gamma is read as the caller gave it.
// kAlone: no row is pending and h is not kept; dx is for RowOutput.
template <class T, bool kFull, Memory kMemory, Adds kAdds, bool kFirst, class Gamma = float, bool kAlone = false>
struct RowSweep {
  Row<T> row;
  PendingRow<T> pending;
  const Gamma* gamma;
  float* h;
  float* dgamma;
  float* dbeta;
  // Memory::any: fetch inputs into the second-level cache.
  bool fetch_far;

  static constexpr bool kNear = kMemory != Memory::any;
  // Parts are unrolled and two segments folded together: in cache code is what a row costs.
  static constexpr bool kUnrolled = kTwoVectors && !kNear && !kAlone;
  static constexpr std::size_t kTogether = kUnrolled ? 2 : 1;

  // Unlikely where it is a question: where it is true, memory is what is waited for.
  HWY_INLINE bool Streams() const {
    return kMemory == Memory::near_streamed || (!kNear && HWY_UNLIKELY(pending.stream));
  }

  HWY_INLINE bool WritesDx() const { return !kAlone && (kFull || kAdds == Adds::both_rows || pending.dx != nullptr); }

  // Row constants as vectors; sizeless vectors can't be members, so they travel as arguments.
#define ALNG_CONSTANTS V mean, V rstd, V m1, V m2, V pending_rstd
#define ALNG_PASS_CONSTANTS mean, rstd, m1, m2, pending_rstd

  // dx of one vector of the pending row.
  HWY_INLINE V Dx(V dy, V g, V h_pending, V dsum, V m1, V m2, V pending_rstd) const {
    V t = dy;
    if (kFull || gamma != nullptr) t = hn::Mul(t, g);
    t = NegFma(h_pending, m2, hn::Sub(t, m1));
    return kFull || pending.dsum != nullptr ? Fma(pending_rstd, t, dsum) : hn::Mul(pending_rstd, t);
  }

  // The terms of one vector of the row at hand. `at` is where these elements are in h and the sums, whose memory is
  // padded so that whole vectors may be read and written there.
  HWY_INLINE void Element(std::size_t at, V g, V pending_dy, V h_pending, V x1, V x2, V dy, V mean, V rstd, V& w,
                          V& q) const {
    const F d;
    V x = x1;
    if (kFull || row.x2 != nullptr) x = hn::Add(x, x2);
    const V h_now = hn::Mul(hn::Sub(x, mean), rstd);
    // Out of cache float32 is 2 % faster with its cached stores side by side, the 16-bit dtypes are not.
    constexpr bool keeps_h_last = kNear && sizeof(T) == sizeof(float);
    if constexpr (!kAlone && !keeps_h_last) hn::StoreU(h_now, d, h + at);
    w = dy;
    if (kFull || gamma != nullptr) w = hn::Mul(w, g);
    q = hn::Mul(w, h_now);
    if constexpr (kAdds != Adds::nothing) {
      V sum_gamma = kFirst ? hn::Zero(d) : hn::LoadU(d, dgamma + at);
      V sum_beta = kFirst ? hn::Zero(d) : hn::LoadU(d, dbeta + at);
      if constexpr (kAdds == Adds::both_rows) {
        sum_gamma = Fma(pending_dy, h_pending, sum_gamma);
        sum_beta = hn::Add(sum_beta, pending_dy);
      }
      sum_gamma = Fma(dy, h_now, sum_gamma);
      sum_beta = hn::Add(sum_beta, dy);
      hn::StoreU(sum_gamma, d, dgamma + at);
      hn::StoreU(sum_beta, d, dbeta + at);
    }
    if constexpr (keeps_h_last) hn::StoreU(h_now, d, h + at);
  }

  // dx at i, and the terms of the row sums: all lanes where kWhole, else the first n, the others +0. dx comes first:
  // with the row at hand before it, 3 % slower.
  template <bool kWhole>
  HWY_INLINE void OneVector(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w, V& q) const {
    const F d;
    const V zero = hn::Zero(d);
    V g = zero, pending_dy = zero, h_pending = zero, x2 = zero;
    if (kFull || gamma != nullptr) g = LoadMaybe<kWhole>(gamma + i, n);
    if (WritesDx()) {
      pending_dy = LoadMaybe<kWhole>(pending.dy + i, n);
      h_pending = hn::LoadU(d, h + i);
      V dsum = zero;
      if (kFull || pending.dsum != nullptr) dsum = LoadMaybe<kWhole>(pending.dsum + i, n);
      const V dx = Dx(pending_dy, g, h_pending, dsum, m1, m2, pending_rstd);
      if constexpr (!kWhole) {
        StoreN(dx, pending.dx + i, n);
      } else if (Streams()) {
        Stream(dx, pending.dx + i);
      } else {
        Store(dx, pending.dx + i);
      }
    }
    if (kFull || row.x2 != nullptr) x2 = LoadMaybe<kWhole>(row.x2 + i, n);
    const V x1 = LoadMaybe<kWhole>(row.x1 + i, n);
    const V dy = LoadMaybe<kWhole>(row.dy + i, n);
    Element(i, g, pending_dy, h_pending, x1, x2, dy, mean, rstd, w, q);
    // Beyond the row w is +0 * +0, but q is 0 * h with h = -mean * rstd: it can be -0 or NaN and must be made +0.
    if constexpr (!kWhole) q = hn::IfThenElseZero(hn::FirstN(d, n), q);
  }
#if ALNG_HAVE_TWO_VECTORS
  // The 32 elements at i in two vectors (LoadTwo in simd-inl.h).
  template <bool kWhole>
  HWY_INLINE void TwoVectors(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w0, V& q0, V& w1, V& q1) const {
    const F d;
    const V zero = hn::Zero(d);
    V g0 = zero, g1 = zero, pending_dy0 = zero, pending_dy1 = zero, h_pending0 = zero, h_pending1 = zero;
    V x10, x11, x20 = zero, x21 = zero, dy0, dy1;
    if (kFull || gamma != nullptr) LoadTwoGamma<T, kWhole>(gamma + i, n, g0, g1);
    if (WritesDx()) {
      V dsum0 = zero, dsum1 = zero;
      LoadTwo<kWhole>(pending.dy + i, n, pending_dy0, pending_dy1);
      h_pending0 = hn::LoadU(d, h + i);
      h_pending1 = hn::LoadU(d, h + i + 16);
      if (kFull || pending.dsum != nullptr) LoadTwo<kWhole>(pending.dsum + i, n, dsum0, dsum1);
      const V dx0 = Dx(pending_dy0, g0, h_pending0, dsum0, m1, m2, pending_rstd);
      const V dx1 = Dx(pending_dy1, g1, h_pending1, dsum1, m1, m2, pending_rstd);
      StoreTwo<kWhole>(dx0, dx1, pending.dx + i, n, Streams());
    }
    if (kFull || row.x2 != nullptr) LoadTwo<kWhole>(row.x2 + i, n, x20, x21);
    LoadTwo<kWhole>(row.x1 + i, n, x10, x11);
    LoadTwo<kWhole>(row.dy + i, n, dy0, dy1);
    Element(i, g0, pending_dy0, h_pending0, x10, x20, dy0, mean, rstd, w0, q0);
    Element(i + 16, g1, pending_dy1, h_pending1, x11, x21, dy1, mean, rstd, w1, q1);
    if constexpr (!kWhole) {
      // Beyond the row w is +0 * +0 (in a pair gamma's padding is not zeroed), but q is 0 * h with h = -mean * rstd: it
      // can be -0 or NaN and must be made +0.
      KeepFirst<T>(n, w0, w1);
      KeepFirst<T>(n, q0, q1);
    }
  }
#endif

  // The terms of a step: of one vector, or of two, which are the halves of a span or the even and odd elements of it.
  // The second vectors are used where kTwoVectors alone.
  template <bool kWhole>
  HWY_INLINE void Step(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w0, V& q0, V& w1, V& q1) const {
#if ALNG_HAVE_TWO_VECTORS
    if constexpr (kNear && kWhole && sizeof(T) == sizeof(float)) {
      OneVector<true>(i, 16, ALNG_PASS_CONSTANTS, w0, q0);
      Inputs().FetchNear(i);
      OneVector<true>(i + 16, 16, ALNG_PASS_CONSTANTS, w1, q1);
      Inputs().FetchNear(i + 16);
      return;
    }
    if constexpr (kNear && kWhole) Inputs().FetchNear(i);
    TwoVectors<kWhole>(i, n, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
#else
    if (kNear && kWhole && i % InputLines<T, kFull>::kLineElements == 0) Inputs().FetchNear(i);
    w1 = q1 = hn::Zero(F());
    OneVector<kWhole>(i, n, ALNG_PASS_CONSTANTS, w0, q0);
#endif
  }

  // To the sums of terms of w and q, in two vectors each, those of other terms.
  static HWY_INLINE void AddTo(V& w0, V& q0, V& w1, V& q1, V w2, V q2, V w3, V q3) {
    w0 = hn::Add(w0, w2);
    q0 = hn::Add(q0, q2);
    w1 = hn::Add(w1, w3);
    q1 = hn::Add(q1, q3);
  }

  // Two steps, a span apart.
  HWY_INLINE void TwoSteps(std::size_t i, ALNG_CONSTANTS, V& w0, V& q0, V& w1, V& q1) const {
    V w2, q2, w3, q3;
    Step<true>(i, 0, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
    Step<true>(i + kSpan, 0, ALNG_PASS_CONSTANTS, w2, q2, w3, q3);
    AddTo(w0, q0, w1, q1, w2, q2, w3, q3);
  }

  // The kPart elements at i, all within the row. Their terms at distances 32 and 64 are added, which leaves a span of
  // each sum. With memory coming into the first-level cache a loop of four vectors of each row: processors guess what
  // to fetch by the addresses of the loads, and on Zen 5 32 unrolled are 1.25 times slower than 4, 8 are 1.04 times. In
  // cache 8 in a row are faster.
  HWY_INLINE void Part(std::size_t i, ALNG_CONSTANTS, Spans& spans) const {
#pragma GCC unroll 1
    for (std::size_t lane = 0; lane < kSpan; lane += StepElements()) {
      V w0, q0, w1, q1, w2, q2, w3, q3;
      if constexpr (kTwoVectors && !kUnrolled) {
        w0 = q0 = w1 = q1 = hn::Zero(F());
        const std::size_t end = Opaque(kPart);
#pragma GCC unroll 1
        for (std::size_t at = 0; at < end; at += kPart / 2) {
          TwoSteps(i + at, ALNG_PASS_CONSTANTS, w2, q2, w3, q3);
          AddTo(w0, q0, w1, q1, w2, q2, w3, q3);
        }
      } else {
        FetchFar(i, 2 * lane);
        TwoSteps(i + lane, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
        FetchFar(i, 2 * lane + StepElements());
        TwoSteps(i + lane + kPart / 2, ALNG_PASS_CONSTANTS, w2, q2, w3, q3);
        AddTo(w0, q0, w1, q1, w2, q2, w3, q3);
      }
      StoreSpan(w0, w1, spans[0] + lane);
      StoreSpan(q0, q1, spans[1] + lane);
    }
  }

  // The same where the row ends within the part, after n elements.
  HWY_INLINE void LastPart(std::size_t i, std::size_t n, ALNG_CONSTANTS, Spans& spans) const {
    const F d;
    const V zero = hn::Zero(d);
#pragma GCC unroll 1
    for (std::size_t lane = 0; lane < kSpan; lane += StepElements()) {
      FetchFar(i, 2 * lane);
      FetchFar(i, 2 * lane + StepElements());
      // The sums of the steps so far: of whole pairs, and of a first one that waits for its second.
      V w0 = zero, q0 = zero, w1 = zero, q1 = zero, first_w0 = zero, first_q0 = zero, first_w1 = zero, first_q1 = zero;
      bool second = false;
#pragma GCC unroll 1
      for (std::size_t at = lane; at < n; at += kSpan, second = !second) {
        V w2, q2, w3, q3;
        if (at + StepElements() <= n) {
          Step<true>(i + at, 0, ALNG_PASS_CONSTANTS, w2, q2, w3, q3);
        } else {
          Step<false>(i + at, n - at, ALNG_PASS_CONSTANTS, w2, q2, w3, q3);
        }
        if (!second) {
          first_w0 = w2;
          first_q0 = q2;
          first_w1 = w3;
          first_q1 = q3;
          continue;
        }
        AddTo(first_w0, first_q0, first_w1, first_q1, w2, q2, w3, q3);
        AddTo(w0, q0, w1, q1, first_w0, first_q0, first_w1, first_q1);
      }
      if (second) AddTo(w0, q0, w1, q1, first_w0, first_q0, first_w1, first_q1);
      StoreSpan(w0, w1, spans[0] + lane);
      StoreSpan(q0, q1, spans[1] + lane);
    }
  }

  static HWY_INLINE void StoreSpan(V first, V second, float* HWY_RESTRICT span) {
    const F d;
    hn::Store(first, d, span);
    if constexpr (kTwoVectors) hn::Store(second, d, span + 16);
  }

  // One segment, or two where kTogether, the n elements at `begin`, the row's last where `last`. Two are folded
  // together: each alone is a chain of 50 cycles, which is most of what a processor can look ahead.
  HWY_INLINE void Segments(std::size_t begin, std::size_t n, bool last, ALNG_CONSTANTS, float* HWY_RESTRICT w_sums,
                           float* HWY_RESTRICT q_sums) const {
    alignas(64) Spans spans[kTogether * kParts];
    std::size_t part = 0;
#pragma GCC unroll 1
    for (; (part + 1) * kPart <= n; ++part) Part(begin + part * kPart, ALNG_PASS_CONSTANTS, spans[part]);
    if (part * kPart < n) {
      LastPart(begin + part * kPart, n - part * kPart, ALNG_PASS_CONSTANTS, spans[part]);
      ++part;
    }
    FetchAtPause(begin + n, last ? kRowEndLines : kSegmentEndLines);
    if (kTogether == 2 && part > kParts) {
      FoldSegments<T, true>(spans, part - kParts, w_sums, q_sums);
    } else {
      FoldSegments<T, false>(spans, part, w_sums, q_sums);
    }
  }

  // The row sums of a whole row. `written(end)` is called when dx of the pending row is written up to `end`.
  template <class Written>
  HWY_INLINE RowSums Sweep(std::size_t columns, const Written& written) const {
    const F d;
    const V mean = hn::Set(d, row.mean);
    const V rstd = hn::Set(d, row.rstd);
    const V m1 = hn::Set(d, pending.m1);
    const V m2 = hn::Set(d, pending.m2);
    const V pending_rstd = hn::Set(d, pending.rstd);
    constexpr std::size_t group_columns = 32 * kSegment;
    float w_total = 0.0f, q_total = 0.0f;
    for (std::size_t group = 0; group < columns; group += group_columns) {
      const std::size_t group_end = std::min(columns, group + group_columns);
      float w_segments[32], q_segments[32];
      std::size_t count = 0;
      for (std::size_t begin = group; begin < group_end; begin += kTogether * kSegment) {
        const std::size_t n = std::min(group_end - begin, kTogether * kSegment);
        Segments(begin, n, begin + n == columns, ALNG_PASS_CONSTANTS, w_segments + count, q_segments + count);
        count += n > kSegment ? 2 : 1;
        written(begin + n);
      }
      w_total = w_total + FoldGroup(w_segments, count);
      q_total = q_total + FoldGroup(q_segments, count);
    }
    return {w_total, q_total};
  }

  HWY_INLINE InputLines<T, kFull> Inputs() const { return {row.dy, row.x1, row.x2, pending.dsum}; }

  // Ahead of the part at i, into the second-level cache, the lines that fall to two steps: in AVX-512 4 of each input
  // in float32 (8 at once were 8 % slower, 2 were 4 %) and 2 in bfloat16 (4 were 3 % slower, 1 was 10 %). `share`
  // counts the elements of those steps' vectors, 2 * kSpan in a part.
  HWY_INLINE void FetchFar(std::size_t i, std::size_t share) const {
    if (kNear || !fetch_far) return;
    constexpr std::size_t parts = kPart / (2 * kSpan);  // elements for each one of `share`
    Inputs().FetchFar(i + share * parts, StepElements() * parts);
  }

  // At a pause behind element i, into whichever cache inputs are fetched.
  HWY_INLINE void FetchAtPause(std::size_t i, std::size_t lines) const {
    if constexpr (kNear) {
      Inputs().FetchNearAtPause(i, lines);
    } else if (fetch_far) {
      Inputs().FetchFar(i, lines * kLine / sizeof(T));
    }
  }

#undef ALNG_CONSTANTS
#undef ALNG_PASS_CONSTANTS
};

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
