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

// (x - m - e) * rstd * gamma + beta. gamma and beta may be absent.
template <class S>
HWY_INLINE S Y(S x, S m, S e, S rstd, bool has_gamma, S gamma, bool has_beta, S beta) {
  const S h = Mul(Sub(Sub(x, m), e), rstd);
  if (has_gamma) return has_beta ? Fma(h, gamma, beta) : Mul(h, gamma);
  return has_beta ? Add(h, beta) : h;
}

// Forms x of `row`, at row.x and in float32 at x_outer, where x of `judged` is until then; writes y of `judged`.
// Returns the sums of c and c * c of the row between the two, whose mean as rounded is m and whose x is at x_formed
// (null where there is none), and of x of `row`.
// kFull: the three rows, x2, gamma, beta and x are all there, which is the usual case and then needs no branches.
template <class T, bool kFull>
HWY_INLINE RowSums SweepThree(const ForwardOperands& run, const NewRow<T>& row, const float* x_formed, float formed_m,
                              const JudgedRow& judged, float* x_outer) {
  const F d;
  // Or else they would be loaded for every step, and as structs wait for the stores that fill these.
  const float *const gamma = run.gamma, *const beta = run.beta;
  const T *const x1 = row.x1, *const x2 = row.x2;
  T *const y_at = static_cast<T*>(judged.y.at), *const x_at = static_cast<T*>(row.x.at);
  const V m = hn::Set(d, judged.m), e = hn::Set(d, judged.e), rstd = hn::Set(d, judged.rstd);
  const V m_formed = hn::Set(d, formed_m);
  const bool has_row = kFull || x1 != nullptr, has_formed = kFull || x_formed != nullptr;
  const bool has_x2 = kFull || x2 != nullptr, wants_x = kFull || x_at != nullptr;
  const bool has_gamma = kFull || gamma != nullptr, has_beta = kFull || beta != nullptr;
  const bool writes_y = kFull || y_at != nullptr, round_sum = run.round_sum;
  const bool fetches_y = writes_y && !run.tuning.stream, fetches_x = wants_x && !run.tuning.stream;
  const bool fetch_far = run.tuning.fetch != Fetch::nowhere;
  const BuildingRow y_row(judged.y), x_row(row.x);
  const InputLines<T, kFull, 2> lines{{x1, x2}};

  const auto terms = [&]<bool kWhole, class S>(std::size_t i, std::size_t n, S& w, S& q, S& u) ALNG_INLINE_LAMBDA {
    const As<S> as;
    if (writes_y) {
      S g = hn::Zero(d), b = hn::Zero(d);
      if (has_gamma) g = LoadColumns<T, kWhole>(as, gamma + i, n);
      if (has_beta) b = LoadColumns<T, kWhole>(as, beta + i, n);
      const S y = Y<S>(LoadOwn(as, x_outer + i), m, e, rstd, has_gamma, g, has_beta, b);
      StoreStep<kWhole>(y, y_at + i, n, y_row);
    }
    w = q = u = hn::Zero(d);
    if (has_formed) {
      const S c = Sub(LoadOwn(as, x_formed + i), S(m_formed));
      w = c;
      q = Mul(c, c);
      if constexpr (!kWhole) {
        w = FirstOf<T>(w, n);
        q = FirstOf<T>(q, n);
      }
    }
    if (has_row) {
      S x = LoadStep<kWhole>(as, x1 + i, n);
      if (has_x2) x = Add(x, LoadStep<kWhole>(as, x2 + i, n));
      if (round_sum) x = Rounded<T>(x);
      if (wants_x) StoreStep<kWhole>(x, x_at + i, n, x_row);
      StoreOwn(x, x_outer + i);
      u = x;  // +0 beyond the row, where all that is loaded is +0
    }
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
