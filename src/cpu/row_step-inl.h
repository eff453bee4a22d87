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

constexpr std::size_t kSegment = 512;
constexpr std::size_t kLine = 64;

// kFull: gamma, x2, dsum and a pending row are all there, which is the usual case and then needs no branches.
// kSums: both column sums are wanted. kFirst: they begin with this row, from +0.
template <class T, bool kFull, bool kSums, bool kFirst>
struct RowSweep {
  Row<T> row;
  PendingRow<T> pending;
  const float* gamma;
  float* h;
  float* dgamma;
  float* dbeta;
  // How many bytes ahead of the inputs to fetch; 0: none.
  std::size_t ahead;

  // Row constants as vectors; sizeless vectors can't be members, so they travel as arguments.
#define ALNG_CONSTANTS V mean, V rstd, V m1, V m2, V pending_rstd
#define ALNG_PASS_CONSTANTS mean, rstd, m1, m2, pending_rstd

  // One vector's worth of both rows. `at` is where these elements are in h and the sums (and in gamma), whose memory is
  // padded so that whole vectors may be read and written there.
  HWY_INLINE void Element(std::size_t at, V g, V pending_dy, V pending_dsum, V x1, V x2, V dy, ALNG_CONSTANTS, V& dx,
                          V& w, V& q) const {
    const F d;
    if (kFull || pending.dx != nullptr) {
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
    hn::StoreU(h_now, d, h + at);
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
    if (kFull || pending.dx != nullptr) {
      pending_dy = LoadMaybe<kWhole>(pending.dy + i, n);
      if (kFull || pending.dsum != nullptr) pending_dsum = LoadMaybe<kWhole>(pending.dsum + i, n);
    }
    if (kFull || row.x2 != nullptr) x2 = LoadMaybe<kWhole>(row.x2 + i, n);
    const V x1 = LoadMaybe<kWhole>(row.x1 + i, n);
    const V dy = LoadMaybe<kWhole>(row.dy + i, n);
    Element(i, g, pending_dy, pending_dsum, x1, x2, dy, ALNG_PASS_CONSTANTS, dx, w, q);
    // Beyond the row w is +0 * +0, but q is 0 * h with h = -mean * rstd: it can be -0 or NaN and must be made +0.
    if constexpr (!kWhole) q = hn::IfThenElseZero(hn::FirstN(d, n), q);
    if (!kFull && pending.dx == nullptr) return;
    if constexpr (!kWhole) {
      StoreN(dx, pending.dx + i, n);
    } else if (HWY_UNLIKELY(pending.stream)) {  // unlikely: where it is taken, memory is what is waited for
      Stream(dx, pending.dx + i);
    } else {
      Store(dx, pending.dx + i);
    }
  }

#if ALNG_HAVE_PAIRS
  // The same for the 32 elements at i of a paired dtype (simd-inl.h), folded at distance 16.
  template <bool kWhole>
  HWY_INLINE void PairTerms(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w, V& q) const {
    const F d;
    const V zero = hn::Zero(d);
    V g0 = zero, g1 = zero, pending_dy0 = zero, pending_dy1 = zero, pending_dsum0 = zero, pending_dsum1 = zero;
    V x10, x11, x20 = zero, x21 = zero, dy0, dy1, dx0 = zero, dx1 = zero, w0, w1, q0, q1;
    if (kFull || gamma != nullptr) {
      g0 = hn::LoadU(d, gamma + i);
      g1 = hn::LoadU(d, gamma + i + 16);
    }
    if (kFull || pending.dx != nullptr) {
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
    w = FoldPair(w0, w1);
    q = FoldPair(q0, q1);
    if (kFull || pending.dx != nullptr) StorePair<kWhole>(dx0, dx1, pending.dx + i, n, pending.stream);
  }
#endif

  // A segment of 512 terms is folded at distances 16, 32, 64, 128, 256 (levels 1 to 5) by recursion, which goes through
  // memory in order and keeps at most six vectors of each sum alive. What remains, distances 8 to 1, lies between lanes
  // and streams. Terms beyond the row are +0 in the canonical order. Where they are left out or more of them are added
  // here, no bit changes, because the whole sum starts from +0.

  // A step: a vector, or a pair of them.
  template <bool kWhole>
  HWY_INLINE void Step(std::size_t i, std::size_t n, ALNG_CONSTANTS, V& w, V& q) const {
#if ALNG_HAVE_PAIRS
    if constexpr (kStepLevel<T> == 1) return PairTerms<kWhole>(i, n, ALNG_PASS_CONSTANTS, w, q);
#endif
    return Terms<kWhole>(i, n, ALNG_PASS_CONSTANTS, w, q);
  }

  // 16 * 2^L elements from i on, all within the row.
  template <int L>
  HWY_INLINE void Whole(std::size_t i, ALNG_CONSTANTS, V& w, V& q) const {
    if constexpr (L == kStepLevel<T>) {
      Step<true>(i, 0, ALNG_PASS_CONSTANTS, w, q);
    } else {
      V w2, q2;
      Whole<L - 1>(i, ALNG_PASS_CONSTANTS, w, q);
      Whole<L - 1>(i + (std::size_t{16} << (L - 1)), ALNG_PASS_CONSTANTS, w2, q2);
      w = hn::Add(w, w2);
      q = hn::Add(q, q2);
    }
  }

  // The 64 elements from i on where the row ends inside, at `end`; the first of them is `lane` elements after i.
  HWY_INLINE void Rest(std::size_t i, std::size_t lane, std::size_t end, ALNG_CONSTANTS, V& w, V& q) const {
    const F d;
    constexpr std::size_t kSteps = 4 >> kStepLevel<T>;
    constexpr std::size_t kStep = 64 / kSteps;
    alignas(64) float w_steps[4][16] = {}, q_steps[4][16] = {};
    for (std::size_t step = 0; step < kSteps && i + lane < end; ++step, i += kStep) {
      if (i + lane + StepElements<T>() <= end) {
        Step<true>(i, 0, ALNG_PASS_CONSTANTS, w, q);
      } else {
        Step<false>(i, end - i - lane, ALNG_PASS_CONSTANTS, w, q);
      }
      hn::Store(w, d, w_steps[step]);
      hn::Store(q, d, q_steps[step]);
    }
    const auto fold = [&](const float(*a)[16]) HWY_ATTR {
      const V first = hn::Add(hn::Load(d, a[0]), hn::Load(d, a[1]));
      return kSteps == 2 ? first : hn::Add(first, hn::Add(hn::Load(d, a[2]), hn::Load(d, a[3])));
    };
    w = fold(w_steps);
    q = fold(q_steps);
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
    if (kFull || pending.dx != nullptr) {
      moved.pending.dy += i;
      moved.pending.dx += i;
      if (kFull || pending.dsum != nullptr) moved.pending.dsum += i;
    }
    moved.h += i;
    if constexpr (kSums) {
      moved.dgamma += i;
      moved.dbeta += i;
    }
    return moved;
  }

  // The segment [begin, end) of the row.
  HWY_INLINE void Segment(std::size_t begin, std::size_t end, ALNG_CONSTANTS, float& w_sum, float& q_sum) const {
    const F d;
    alignas(64) float w_lanes[16], q_lanes[16];
    const std::size_t n = end - begin;
    for (std::size_t lane = 0; lane < 16; lane += Lanes()) {
      // A loop over parts of 64, not 512 in one piece: as fast, and a fifth of the code.
      alignas(64) float w_parts[8][16], q_parts[8][16];
      const RowSweep moved = At(begin + lane);
      V w = hn::Zero(d), q = hn::Zero(d);
      std::size_t part = 0;
#pragma GCC unroll 1
      for (; (part + 1) * 64 <= n; ++part) {
        if (ahead != 0 && lane == 0) moved.Fetch(part * 64, 64);
        moved.template Whole<2>(part * 64, ALNG_PASS_CONSTANTS, w, q);
        hn::Store(w, d, w_parts[part]);
        hn::Store(q, d, q_parts[part]);
      }
      if (part * 64 + lane < n) {
        if (ahead != 0 && lane == 0) moved.Fetch(part * 64, n - part * 64);
        moved.Rest(part * 64, lane, n, ALNG_PASS_CONSTANTS, w, q);
        hn::Store(w, d, w_parts[part]);
        hn::Store(q, d, q_parts[part]);
        ++part;
      }
      for (; part < 8; ++part) {
        hn::Store(hn::Zero(d), d, w_parts[part]);
        hn::Store(hn::Zero(d), d, q_parts[part]);
      }
      hn::Store(StepOrderToNatural<T>(FoldParts(w_parts)), d, w_lanes + lane);
      hn::Store(StepOrderToNatural<T>(FoldParts(q_parts)), d, q_lanes + lane);
    }
    FoldLanes(w_lanes, q_lanes, w_sum, q_sum);
  }

  // The row sums of a whole row. `after_segment(end)` is called when dx of the pending row is written up to `end`.
  template <class AfterSegment>
  HWY_INLINE void Sweep(std::size_t columns, float& w_sum, float& q_sum, const AfterSegment& after_segment) const {
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
        const std::size_t end = std::min(columns, begin + kSegment);
        Segment(begin, end, ALNG_PASS_CONSTANTS, w_segments[count], q_segments[count]);
        after_segment(end);
      }
      w_total = w_total + FoldSegments(w_segments, count);
      q_total = q_total + FoldSegments(q_segments, count);
    }
    w_sum = w_total;
    q_sum = q_total;
  }

  // At most 32 segment sums: folded at distances 16, 8, 4, 2, 1, padding left out.
  static HWY_INLINE float FoldSegments(float* sums, std::size_t count) {
    for (std::size_t distance = 16; distance > 0; distance /= 2) {
      for (std::size_t s = 0; s < distance && s + distance < count; ++s) sums[s] = sums[s] + sums[s + distance];
      count = std::min(count, distance);
    }
    return sums[0];
  }

  // Into the second-level cache, the lines `ahead` of the inputs of n elements from i on. Behind the end of a row
  // begins the next, or else what is fetched is not used; fetching cannot fault.
  HWY_INLINE void Fetch(std::size_t i, std::size_t n) const {
    for (std::size_t byte = i * sizeof(T); byte < (i + n) * sizeof(T); byte += kLine) {
      FetchLine(row.dy, byte + ahead);
      FetchLine(row.x1, byte + ahead);
      if (kFull || row.x2 != nullptr) FetchLine(row.x2, byte + ahead);
      if (kFull || pending.dsum != nullptr) FetchLine(pending.dsum, byte + ahead);
    }
  }
  static HWY_INLINE void FetchLine(const T* p, std::size_t bytes) {
    __builtin_prefetch(reinterpret_cast<const std::byte*>(p) + bytes, 0, 2);
  }

  // Distances 64, 128 and 256.
  static HWY_INLINE V FoldParts(const float (&a)[8][16]) {
    const F d;
    const V v01 = hn::Add(hn::Load(d, a[0]), hn::Load(d, a[1]));
    const V v23 = hn::Add(hn::Load(d, a[2]), hn::Load(d, a[3]));
    const V v45 = hn::Add(hn::Load(d, a[4]), hn::Load(d, a[5]));
    const V v67 = hn::Add(hn::Load(d, a[6]), hn::Load(d, a[7]));
    return hn::Add(hn::Add(v01, v23), hn::Add(v45, v67));
  }

#undef ALNG_CONSTANTS
#undef ALNG_PASS_CONSTANTS
};

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
