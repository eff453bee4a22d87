// The formula: one sweep forms x of a row and its sum and, in the same loop, sums c = x - m and c * c of the row
// before, whose m is known by now, and writes y of the row before that, whose statistics are.
//
// Three rows in one loop keep memory busy with all streams at once (x1, x2 and x of the first, y of the last), and hide
// the last additions of all sums behind the next rows.

// Per-target include guard
#if defined(ALNG_CPU_FORWARD_ROW_STEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_FORWARD_ROW_STEP_INL_H
#undef ALNG_CPU_FORWARD_ROW_STEP_INL_H
#else
#define ALNG_CPU_FORWARD_ROW_STEP_INL_H
#endif

#include "cpu/forward/kernels.h"
#include "cpu/own_order-inl.h"
#include "cpu/row_access-inl.h"
#include "cpu/row_fetch-inl.h"
#include "cpu/row_fold-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// A row whose x is wanted. x1 is null where there is none; x2 may be null, and x.at.
template <class T>
struct NewRow {
  const T* x1;
  const T* x2;
  // Where x is built.
  BuiltRow x;
};

// A row whose y is wanted. y.at is null where there is none.
struct JudgedRow {
  BuiltRow y;
  float m;
  float e;
  float rstd;
};

// gamma and beta, which may be absent; never where kFull.
template <class T, bool kFull>
struct Affine {
  const float* gamma;
  const float* beta;

  // y = (x - m - e) * rstd * gamma + beta
  template <bool kWhole, class S>
  HWY_INLINE S Y(As<S> as, S x, V m, V e, V rstd, std::size_t i, std::size_t n) const {
    // x * 1 and x + -0 are x, whatever its sign. Chosen between whole formulas instead, steps went through memory:
    // without gamma and beta 512x1024 in float32 took 2.6 times as long as with them (AVX2, Zen 3).
    S g = hn::Set(F(), 1.0f), b = hn::Set(F(), -0.0f);
    if (kFull || gamma != nullptr) g = LoadColumns<T, kWhole>(as, gamma + i, n);
    if (kFull || beta != nullptr) b = LoadColumns<T, kWhole>(as, beta + i, n);
    return Fma(Mul(Sub(Sub(x, S(m)), S(e)), S(rstd)), g, b);
  }
};

// x = x1 + x2, rounded to T where `round_sum`. x2 may be null; never where kFull.
template <class T, bool kFull>
struct Summands {
  const T* x1;
  const T* x2;
  bool round_sum;

  template <bool kWhole, class S>
  HWY_INLINE S X(As<S> as, std::size_t i, std::size_t n) const {
    S x = LoadStep<kWhole>(as, x1 + i, n);
    if (kFull || x2 != nullptr) x = Add(x, LoadStep<kWhole>(as, x2 + i, n));
    if (round_sum) x = Rounded<T>(x);
    return x;
  }
};

// w = c and q = c * c of c = x - m; +0 beyond the row.
template <class T, bool kWhole, class S>
HWY_INLINE void Deviations(S x, V m, std::size_t n, S& w, S& q) {
  w = Sub(x, S(m));
  q = Mul(w, w);
  if constexpr (!kWhole) {
    w = FirstOf<T>(w, n);
    q = FirstOf<T>(q, n);
  }
}

// Forms x at x_at and, in float32, at own_x. x_at may be null; never where kFull.
template <bool kWhole, class S, class T, bool kFull>
HWY_INLINE S FormX(As<S> as, const Summands<T, kFull>& summands, T* x_at, const BuildingRow& x_row, float* own_x,
                   std::size_t i, std::size_t n) {
  const S x = summands.template X<kWhole>(as, i, n);  // +0 beyond the row, where all that is loaded is +0
  if (kFull || x_at != nullptr) StoreStep<kWhole>(x, x_at + i, n, x_row);
  StoreOwn(x, own_x + i);
  return x;
}

// Of a whole row: x and its sum, its inputs fetched ahead where `fetches`; the sums of what m leaves of it; y.
template <class T, bool kFull>
HWY_INLINE float SumX(std::size_t columns, const Summands<T, kFull>& summands, bool fetches, T* x_at,
                      const BuildingRow& x_row, float* own_x) {
  const InputLines<T, kFull, 2> lines{{summands.x1, summands.x2}};
  const auto terms = [&]<bool kWhole, class S>(std::size_t i, std::size_t n, S& w, S& q, S&) ALNG_INLINE_LAMBDA {
    w = FormX<kWhole>(As<S>(), summands, x_at, x_row, own_x, i, n);
    q = hn::Zero(F());
  };
  const auto ahead = [&](std::size_t i) ALNG_INLINE_LAMBDA {
    if (fetches) lines.FetchFar(i, 2 * StepElements());
  };
  const auto pause = [&](std::size_t end) ALNG_INLINE_LAMBDA {
    if (fetches) lines.template FetchAtPause<false>(end, end == columns, true);
  };
  return FoldRow<T, Loop::unrolled, 2>(columns, terms, ahead, pause).w;
}
template <class T>
HWY_INLINE RowSums SumDeviations(std::size_t columns, const float* own_x, float m) {
  const V m_row = hn::Set(F(), m);
  const auto terms = [&]<bool kWhole, class S>(std::size_t i, std::size_t n, S& w, S& q, S&)
                         ALNG_INLINE_LAMBDA { Deviations<T, kWhole>(LoadOwn(As<S>(), own_x + i), m_row, n, w, q); };
  return FoldRow<T, Loop::unrolled, 2>(
      columns, terms, [](std::size_t) {}, [](std::size_t) {});
}
template <class T, bool kFull>
HWY_INLINE void WriteY(std::size_t columns, const Affine<T, kFull>& affine, const float* own_x, V m, V e, V rstd,
                       T* y_at, const BuildingRow& y_row) {
  ForEachStep(columns, [&]<bool kWhole>(std::size_t i, std::size_t n) ALNG_INLINE_LAMBDA {
    const As<Step> as;
    const Step y = affine.template Y<kWhole>(as, LoadOwn(as, own_x + i), m, e, rstd, i, n);
    StoreStep<kWhole>(y, y_at + i, n, y_row);
  });
}

// Forms x of `row`, at row.x and in float32 at x_outer, where x of `judged` is until then; writes y of `judged`.
// Returns the sums of c and c * c of the row between the two, whose mean as rounded is m and whose x is at x_formed
// (null where there is none), and of x of `row`.
// kFull: the three rows, x2, gamma, beta and x are all there, which is the usual case and then needs no branches.
template <class T, bool kFull>
HWY_INLINE RowSums SweepThree(const ForwardOperands& run, const NewRow<T>& row, const float* x_formed, float formed_m,
                              const JudgedRow& judged, float* x_outer) {
  const F d;
  T *const y_at = static_cast<T*>(judged.y.at), *const x_at = static_cast<T*>(row.x.at);
  const V m = hn::Set(d, judged.m), e = hn::Set(d, judged.e), rstd = hn::Set(d, judged.rstd);
  const V m_formed = hn::Set(d, formed_m);
  const bool has_row = kFull || row.x1 != nullptr, has_formed = kFull || x_formed != nullptr;
  const bool writes_y = kFull || y_at != nullptr, wants_x = kFull || x_at != nullptr;
  const bool fetches_y = writes_y && !run.tuning.stream, fetches_x = wants_x && !run.tuning.stream;
  const bool fetch_far = run.tuning.fetch != Fetch::nowhere;
  // Copies: members of `run` and of the rows would be loaded for every step.
  const Affine<T, kFull> affine{run.gamma, run.beta};
  const Summands<T, kFull> summands{row.x1, row.x2, run.round_sum};
  const BuildingRow y_row(judged.y), x_row(row.x);
  const InputLines<T, kFull, 2> lines{{row.x1, row.x2}};

  const auto terms = [&]<bool kWhole, class S>(std::size_t i, std::size_t n, S& w, S& q, S& u) ALNG_INLINE_LAMBDA {
    const As<S> as;
    if (writes_y) {
      const S y = affine.template Y<kWhole>(as, LoadOwn(as, x_outer + i), m, e, rstd, i, n);
      StoreStep<kWhole>(y, y_at + i, n, y_row);
    }
    w = q = u = hn::Zero(d);
    if (has_formed) Deviations<T, kWhole>(LoadOwn(as, x_formed + i), m_formed, n, w, q);
    if (has_row) u = FormX<kWhole>(as, summands, x_at, x_row, x_outer, i, n);
  };
  const auto ahead = [&](std::size_t i) ALNG_INLINE_LAMBDA {
    if (fetch_far) lines.FetchFar(i, 2 * StepElements());
    if (fetches_y) FetchToWrite(static_cast<const T*>(y_at), i, 2 * StepElements());
    if (fetches_x) FetchToWrite(static_cast<const T*>(x_at), i, 2 * StepElements());
  };
  const auto columns = static_cast<std::size_t>(run.columns);
  return FoldRow<T, Loop::unrolled, 3>(columns, terms, ahead, [&](std::size_t end) ALNG_INLINE_LAMBDA {
    if (fetch_far) lines.template FetchAtPause<false>(end, end == columns, true);
  });
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
