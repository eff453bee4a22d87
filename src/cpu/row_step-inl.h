// One sweep over a row: the two row sums of the row at hand in canonical order (docs/numerics.md), its share of the
// column sums, and, in the same loop, dx of the row before, whose sums are known by now.
//
// Doing both rows in one loop keeps memory busy with all streams at once (dy, x1, x2 of this row, dsum and dx of the
// one before) instead of reads alone and then writes alone, hides the latency of the row sums' last additions behind
// the next row, and loads gamma once for two uses. h is kept in float32 from one sweep to the next, so that x1 and x2
// are read once.

// Per-target include guard
#if defined(ALNG_CPU_ROW_STEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_STEP_INL_H
#undef ALNG_CPU_ROW_STEP_INL_H
#else
#define ALNG_CPU_ROW_STEP_INL_H
#endif

#include <algorithm>
#include <bit>

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

constexpr std::size_t kSegment = 512;
constexpr std::size_t kLine = 64;
// A loop over parts of a segment: as fast as a segment in one piece, and a quarter of the code.
constexpr std::size_t kPart = 128;

// kFull: gamma, x2, dsum and a pending row are all there, which is the usual case and then needs no branches.
// kSums: both column sums are wanted. kFirst: they begin with this row, from +0. kAlone: no row is pending and h is not
// kept; dx is for RowOutput.
template <class T, bool kFull, bool kSums, bool kFirst, bool kAlone = false>
struct RowSweep {
  Row<T> row;
  PendingRow<T> pending;
  const float* gamma;
  float* h;
  float* dgamma;
  float* dbeta;
  // How many bytes ahead of the inputs to fetch; 0: none.
  std::size_t ahead;

  HWY_INLINE bool WritesDx() const { return !kAlone && (kFull || pending.dx != nullptr); }

  // Row constants as vectors; sizeless vectors can't be members, so they travel as arguments.
#define ALNG_CONSTANTS V mean, V rstd, V m1, V m2, V pending_rstd
#define ALNG_PASS_CONSTANTS mean, rstd, m1, m2, pending_rstd

  // One vector's worth of both rows. `at` is where these elements are in h and the sums (and in gamma), whose memory is
  // padded so that whole vectors may be read and written there.
  HWY_INLINE void Element(std::size_t at, V g, V pending_dy, V pending_dsum, V x1, V x2, V dy, ALNG_CONSTANTS, V& dx,
                          V& w, V& q) const {
    const F d;
    if (WritesDx()) {
      dx = pending_dy;
      if (kFull || gamma != nullptr) dx = hn::Mul(dx, g);
      dx = NegFma(hn::LoadU(d, h + at), m2, hn::Sub(dx, m1));
      if (kFull || pending.dsum != nullptr) {
        dx = Fma(pending_rstd, dx, pending_dsum);
      } else {
        dx = hn::Mul(pending_rstd, dx);
      }
    }
    V x = x1;
    if (kFull || row.x2 != nullptr) x = hn::Add(x, x2);
    const V h_now = hn::Mul(hn::Sub(x, mean), rstd);
    if constexpr (!kAlone) hn::StoreU(h_now, d, h + at);
    w = dy;
    if (kFull || gamma != nullptr) w = hn::Mul(w, g);
    q = hn::Mul(w, h_now);
    if constexpr (kSums) {
      const V zero = hn::Zero(d);
      hn::StoreU(Fma(dy, h_now, kFirst ? zero : hn::LoadU(d, dgamma + at)), d, dgamma + at);
      hn::StoreU(hn::Add(kFirst ? zero : hn::LoadU(d, dbeta + at), dy), d, dbeta + at);
    }
  }

  // The terms of the row sums at i: all lanes where kWhole, else the first n, the others +0.
  template <bool kWhole>
  HWY_INLINE void Terms(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w, V& q) const {
    const F d;
    const V zero = hn::Zero(d);
    V g = zero, pending_dy = zero, pending_dsum = zero, x2 = zero, dx = zero;
    if (kFull || gamma != nullptr) g = LoadMaybe<kWhole>(gamma + i, n);
    if (WritesDx()) {
      pending_dy = LoadMaybe<kWhole>(pending.dy + i, n);
      if (kFull || pending.dsum != nullptr) pending_dsum = LoadMaybe<kWhole>(pending.dsum + i, n);
    }
    if (kFull || row.x2 != nullptr) x2 = LoadMaybe<kWhole>(row.x2 + i, n);
    const V x1 = LoadMaybe<kWhole>(row.x1 + i, n);
    const V dy = LoadMaybe<kWhole>(row.dy + i, n);
    Element(i, g, pending_dy, pending_dsum, x1, x2, dy, ALNG_PASS_CONSTANTS, dx, w, q);
    // Beyond the row w is +0 * +0, but q is 0 * h with h = -mean * rstd: it can be -0 or NaN and must be made +0.
    if constexpr (!kWhole) q = hn::IfThenElseZero(hn::FirstN(d, n), q);
    if (!WritesDx()) return;
    if constexpr (!kWhole) {
      StoreN(dx, pending.dx + i, n);
    } else if (HWY_UNLIKELY(pending.stream)) {  // unlikely: where it is taken, memory is what is waited for
      Stream(dx, pending.dx + i);
    } else {
      Store(dx, pending.dx + i);
    }
  }

#if ALNG_HAVE_PAIRS
  // The same for the 32 elements at i of a paired dtype (simd-inl.h): the even ones' terms and the odd ones'.
  template <bool kWhole>
  HWY_INLINE void PairTerms(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w0, V& q0, V& w1, V& q1) const {
    const F d;
    const V zero = hn::Zero(d);
    V g0 = zero, g1 = zero, pending_dy0 = zero, pending_dy1 = zero, pending_dsum0 = zero, pending_dsum1 = zero;
    V x10, x11, x20 = zero, x21 = zero, dy0, dy1, dx0 = zero, dx1 = zero;
    if (kFull || gamma != nullptr) {
      g0 = hn::LoadU(d, gamma + i);
      g1 = hn::LoadU(d, gamma + i + 16);
    }
    if (WritesDx()) {
      LoadPair<kWhole>(pending.dy + i, n, pending_dy0, pending_dy1);
      if (kFull || pending.dsum != nullptr) LoadPair<kWhole>(pending.dsum + i, n, pending_dsum0, pending_dsum1);
    }
    if (kFull || row.x2 != nullptr) LoadPair<kWhole>(row.x2 + i, n, x20, x21);
    LoadPair<kWhole>(row.x1 + i, n, x10, x11);
    LoadPair<kWhole>(row.dy + i, n, dy0, dy1);
    Element(i, g0, pending_dy0, pending_dsum0, x10, x20, dy0, ALNG_PASS_CONSTANTS, dx0, w0, q0);
    Element(i + 16, g1, pending_dy1, pending_dsum1, x11, x21, dy1, ALNG_PASS_CONSTANTS, dx1, w1, q1);
    if constexpr (!kWhole) {
      // Even elements are in the first vector of a pair, odd ones in the second. gamma's padding is not zeroed either.
      w0 = hn::IfThenElseZero(hn::FirstN(d, (n + 1) / 2), w0);
      w1 = hn::IfThenElseZero(hn::FirstN(d, n / 2), w1);
      q0 = hn::IfThenElseZero(hn::FirstN(d, (n + 1) / 2), q0);
      q1 = hn::IfThenElseZero(hn::FirstN(d, n / 2), q1);
    }
    if (WritesDx()) StorePair<kWhole>(dx0, dx1, pending.dx + i, n, pending.stream);
  }
#endif

  // A segment of 512 terms is folded at distances 32 and 64 (in registers), 128 and 256 (between parts), 16, 8, 4, 2
  // and 1 (within the 32 that are left: FoldSpan). Terms beyond the row are +0 in the canonical order. Where they are
  // left out or more of them are added here, no bit changes, because the whole sum starts from +0.

  // The terms of a step: of one vector, or of two, which are the halves of a span or the even and odd elements of it.
  // The second vectors are used where kTwoVectors alone.
  template <bool kWhole>
  HWY_INLINE void Step(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w0, V& q0, V& w1, V& q1) const {
#if ALNG_HAVE_PAIRS
    if constexpr (kPaired<T>) return PairTerms<kWhole>(i, n, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
#endif
    if constexpr (!kTwoVectors) {
      w1 = q1 = hn::Zero(F());
      Terms<kWhole>(i, n, ALNG_PASS_CONSTANTS, w0, q0);
    } else if constexpr (kWhole) {
      Terms<true>(i, 0, ALNG_PASS_CONSTANTS, w0, q0);
      Terms<true>(i + 16, 0, ALNG_PASS_CONSTANTS, w1, q1);
    } else {
      w1 = q1 = hn::Zero(F());
      Terms<false>(i, std::min<std::size_t>(n, 16), ALNG_PASS_CONSTANTS, w0, q0);
      if (n > 16) Terms<false>(i + 16, n - 16, ALNG_PASS_CONSTANTS, w1, q1);
    }
  }

  // Two steps, a span apart.
  HWY_INLINE void TwoSteps(std::size_t i, ALNG_CONSTANTS, V& w0, V& q0, V& w1, V& q1) const {
    V w2, q2, w3, q3;
    Step<true>(i, 0, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
    Step<true>(i + kSpan, 0, ALNG_PASS_CONSTANTS, w2, q2, w3, q3);
    w0 = hn::Add(w0, w2);
    q0 = hn::Add(q0, q2);
    w1 = hn::Add(w1, w3);
    q1 = hn::Add(q1, q3);
  }

  // The kPart elements at i, all within the row. Their terms at distances 32 and 64 are added, which leaves a span of
  // each sum.
  HWY_INLINE void Part(std::size_t i, ALNG_CONSTANTS, float* HWY_RESTRICT w_span, float* HWY_RESTRICT q_span) const {
    const F d;
#pragma GCC unroll 1
    for (std::size_t lane = 0; lane < kSpan; lane += StepElements()) {
      V w0, q0, w1, q1, w2, q2, w3, q3;
      if (ahead != 0) Fetch(i, 2 * lane);
      TwoSteps(i + lane, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
      if (ahead != 0) Fetch(i, 2 * lane + StepElements());
      TwoSteps(i + lane + 2 * kSpan, ALNG_PASS_CONSTANTS, w2, q2, w3, q3);
      hn::Store(hn::Add(w0, w2), d, w_span + lane);
      hn::Store(hn::Add(q0, q2), d, q_span + lane);
      if constexpr (kTwoVectors) {
        hn::Store(hn::Add(w1, w3), d, w_span + lane + 16);
        hn::Store(hn::Add(q1, q3), d, q_span + lane + 16);
      }
    }
  }

  // The same where the row ends within the part, after n elements.
  HWY_INLINE void LastPart(std::size_t i, std::size_t n, ALNG_CONSTANTS, float* HWY_RESTRICT w_span,
                           float* HWY_RESTRICT q_span) const {
    const F d;
    // Four steps of at most a pair of vectors.
    alignas(64) float w_steps[kSpans][kSpan], q_steps[kSpans][kSpan];
    const auto store = [&](std::size_t step, V w0, V q0, V w1, V q1) HWY_ATTR {
      hn::Store(w0, d, w_steps[step]);
      hn::Store(q0, d, q_steps[step]);
      if constexpr (kTwoVectors) {
        hn::Store(w1, d, w_steps[step] + 16);
        hn::Store(q1, d, q_steps[step] + 16);
      }
    };
#pragma GCC unroll 1
    for (std::size_t lane = 0; lane < kSpan; lane += StepElements()) {
      if (ahead != 0) {
        Fetch(i, 2 * lane);
        Fetch(i, 2 * lane + StepElements());
      }
      V w0 = hn::Zero(d), q0 = w0, w1 = w0, q1 = w0;
#pragma GCC unroll 1
      for (std::size_t step = 0, at = lane; step < kSpans; ++step, at += kSpan) {
        if (at + StepElements() <= n) {
          Step<true>(i + at, 0, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
        } else if (at < n) {
          Step<false>(i + at, n - at, ALNG_PASS_CONSTANTS, w0, q0, w1, q1);
        } else {
          w0 = q0 = w1 = q1 = hn::Zero(d);
        }
        store(step, w0, q0, w1, q1);
      }
      hn::Store(FoldSpans(w_steps, kSpans, 0), d, w_span + lane);
      hn::Store(FoldSpans(q_steps, kSpans, 0), d, q_span + lane);
      if constexpr (kTwoVectors) {
        hn::Store(FoldSpans(w_steps, kSpans, 16), d, w_span + lane + 16);
        hn::Store(FoldSpans(q_steps, kSpans, 16), d, q_span + lane + 16);
      }
    }
  }

  // The same sweep with all pointers moved on by i. A copy that lives in one function and whose address is not taken
  // there stays in registers; members of *this would be loaded again after each store, as a vector store may alias
  // anything.
  HWY_INLINE RowSweep At(std::size_t i) const {
    RowSweep moved = *this;
    moved.row.dy += i;
    moved.row.x1 += i;
    if (kFull || row.x2 != nullptr) moved.row.x2 += i;
    if (kFull || gamma != nullptr) moved.gamma += i;
    if (WritesDx()) {
      moved.pending.dy += i;
      moved.pending.dx += i;
      if (kFull || pending.dsum != nullptr) moved.pending.dsum += i;
    }
    if constexpr (!kAlone) moved.h += i;
    if constexpr (kSums) {
      moved.dgamma += i;
      moved.dbeta += i;
    }
    return moved;
  }

  // The segment of n elements at `begin`.
  HWY_INLINE void Segment(std::size_t begin, std::size_t n, ALNG_CONSTANTS, float& w_sum, float& q_sum) const {
    alignas(64) float w_spans[kSegment / kPart][kSpan], q_spans[kSegment / kPart][kSpan];
    const RowSweep moved = At(begin);
    std::size_t part = 0;
#pragma GCC unroll 1
    for (; (part + 1) * kPart <= n; ++part) {
      moved.Part(part * kPart, ALNG_PASS_CONSTANTS, w_spans[part], q_spans[part]);
    }
    if (part * kPart < n) {
      moved.LastPart(part * kPart, n - part * kPart, ALNG_PASS_CONSTANTS, w_spans[part], q_spans[part]);
      ++part;
    }
    FoldSpan<T>(w_spans, q_spans, part, w_sum, q_sum);
  }

  // The row sums of a whole row. `after_segment(end)` is called when dx of the pending row is written up to `end`.
  template <class AfterSegment>
  HWY_INLINE RowSums Sweep(std::size_t columns, const AfterSegment& after_segment) const {
    const F d;
    const V mean = hn::Set(d, row.mean);
    const V rstd = hn::Set(d, row.rstd);
    const V m1 = hn::Set(d, pending.m1);
    const V m2 = hn::Set(d, pending.m2);
    const V pending_rstd = hn::Set(d, pending.rstd);
    constexpr std::size_t group_columns = 32 * kSegment;
    float w_total = 0.0f, q_total = 0.0f;
    for (std::size_t group = 0; group < columns; group += group_columns) {
      float w_segments[32], q_segments[32];
      std::size_t count = 0;
      for (std::size_t begin = group; begin < std::min(columns, group + group_columns); begin += kSegment, ++count) {
        const std::size_t n = std::min(columns - begin, kSegment);
        Segment(begin, n, ALNG_PASS_CONSTANTS, w_segments[count], q_segments[count]);
        after_segment(begin + n);
      }
      w_total = w_total + FoldSegments(w_segments, count);
      q_total = q_total + FoldSegments(q_segments, count);
    }
    return {w_total, q_total};
  }

  // 1 to 32 segment sums: folded at distances 16, 8, 4, 2, 1, padding left out.
  static HWY_INLINE float FoldSegments(float* sums, std::size_t count) {
    for (std::size_t distance = std::bit_ceil(count) / 2; distance > 0; distance /= 2) {
      for (std::size_t s = 0; s + distance < count; ++s) sums[s] = sums[s] + sums[s + distance];
      count = distance;
    }
    return sums[0];
  }

  // Into the second-level cache, `ahead` of the part at i, the lines that fall to two steps: in AVX-512 4 of each input
  // in float32 (8 at once were 8 % slower, 2 were 4 %) and 2 in bfloat16 (4 were 3 % slower, 1 was 10 %). `share`
  // counts the elements of those steps' vectors, 2 * kSpan in a part. Behind the end of a row begins the next, or else
  // what is fetched is not used; fetching cannot fault.
  HWY_INLINE void Fetch(std::size_t i, std::size_t share) const {
    constexpr std::size_t bytes = kPart * sizeof(T) / (2 * kSpan);  // for each element of `share`
    const std::size_t begin = i * sizeof(T) + share * bytes + ahead;
    for (std::size_t byte = begin; byte < begin + StepElements() * bytes; byte += kLine) {
      FetchLine(row.dy, byte);
      FetchLine(row.x1, byte);
      if (kFull || row.x2 != nullptr) FetchLine(row.x2, byte);
      if (kFull || pending.dsum != nullptr) FetchLine(pending.dsum, byte);
    }
  }
  static HWY_INLINE void FetchLine(const T* p, std::size_t bytes) {
    __builtin_prefetch(reinterpret_cast<const std::byte*>(p) + bytes, 0, 2);
  }

#undef ALNG_CONSTANTS
#undef ALNG_PASS_CONSTANTS
};

// dx of one row from its inputs alone, all of which are there. h is computed once more, as it was for the sums.
template <class T>
struct RowOutput {
  Row<T> row;
  const T* dsum;
  T* dx;
  const float* gamma;

  HWY_INLINE void Write(std::size_t columns, float row_m1, float row_m2) const {
    const F d;
    const V mean = hn::Set(d, row.mean);
    const V rstd = hn::Set(d, row.rstd);
    const V m1 = hn::Set(d, row_m1);
    const V m2 = hn::Set(d, row_m2);
    const std::size_t step = AccessElements<T>();
    std::size_t i = 0;
#pragma GCC unroll 4
    for (; i + step <= columns; i += step) Access<true>(i, 0, mean, rstd, m1, m2);
    if (i < columns) Access<false>(i, columns - i, mean, rstd, m1, m2);
  }

 private:
  static HWY_INLINE V Dx(V dy, V x1, V x2, V g, V s, V mean, V rstd, V m1, V m2) {
    const V h = hn::Mul(hn::Sub(hn::Add(x1, x2), mean), rstd);
    return Fma(rstd, NegFma(h, m2, hn::Sub(hn::Mul(dy, g), m1)), s);
  }

  template <bool kWhole>
  HWY_INLINE void Access(std::size_t i, std::size_t n, V mean, V rstd, V m1, V m2) const {
#if ALNG_HAVE_PAIRS
    if constexpr (kPaired<T>) {
      const F d;
      V dy0, dy1, x10, x11, x20, x21, s0, s1;
      LoadPair<kWhole>(row.dy + i, n, dy0, dy1);
      LoadPair<kWhole>(row.x1 + i, n, x10, x11);
      LoadPair<kWhole>(row.x2 + i, n, x20, x21);
      LoadPair<kWhole>(dsum + i, n, s0, s1);
      const V dx0 = Dx(dy0, x10, x20, hn::LoadU(d, gamma + i), s0, mean, rstd, m1, m2);
      const V dx1 = Dx(dy1, x11, x21, hn::LoadU(d, gamma + i + 16), s1, mean, rstd, m1, m2);
      StorePair<kWhole>(dx0, dx1, dx + i, n, false);
      return;
    }
#endif
    const V out =
        Dx(LoadMaybe<kWhole>(row.dy + i, n), LoadMaybe<kWhole>(row.x1 + i, n), LoadMaybe<kWhole>(row.x2 + i, n),
           LoadMaybe<kWhole>(gamma + i, n), LoadMaybe<kWhole>(dsum + i, n), mean, rstd, m1, m2);
    if constexpr (kWhole) {
      Store(out, dx + i);
    } else {
      StoreN(out, dx + i, n);
    }
  }
};

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
