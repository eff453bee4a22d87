// The formula, in two sweeps over a row. The first forms x and its sum and, in the same loop, writes y of the row
// before, whose statistics are known by now; the second, over x in float32 in the first-level cache, sums c = x - m and
// c * c.
//
// Two rows in one loop keep memory busy with all streams at once (x1, x2 and x of this row, y of the one before) and
// hide the last additions of the statistics behind the next row.

// Per-target include guard
#if defined(ALNG_CPU_FORWARD_ROW_STEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_FORWARD_ROW_STEP_INL_H
#undef ALNG_CPU_FORWARD_ROW_STEP_INL_H
#else
#define ALNG_CPU_FORWARD_ROW_STEP_INL_H
#endif

#include <cmath>

#include "cpu/forward/kernels.h"
#include "cpu/own_order-inl.h"
#include "cpu/row_fetch-inl.h"
#include "cpu/row_fold-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// The row at hand. x2 may be null, and x.at.
template <class T>
struct FormedRow {
  const T* x1;
  const T* x2;
  // Where x is built.
  BuiltRow x;
};

// (x - m - e) * rstd * gamma + beta. gamma and beta may be absent.
template <class S>
HWY_INLINE S Y(S x, S m, S e, S rstd, bool has_gamma, S gamma, bool has_beta, S beta) {
  const S h = Mul(Sub(Sub(x, m), e), rstd);
  if (has_gamma) return has_beta ? Fma(h, gamma, beta) : Mul(h, gamma);
  return has_beta ? Add(h, beta) : h;
}

// y of a row by itself: of the last row of a task.
template <class T>
HWY_INLINE void WriteY(std::size_t columns, const PendingY& row, const float* x, const float* gamma,
                       const float* beta) {
  const F d;
  const V m = hn::Set(d, row.m), e = hn::Set(d, row.e), rstd = hn::Set(d, row.rstd);
  using S = Step;
  const As<S> as;
  ForEachStep(columns, [&]<bool kWhole>(std::size_t i, std::size_t n) ALNG_INLINE_LAMBDA {
    S g = hn::Zero(d), b = hn::Zero(d);
    if (gamma != nullptr) g = LoadColumns<T, kWhole>(as, gamma + i, n);
    if (beta != nullptr) b = LoadColumns<T, kWhole>(as, beta + i, n);
    const S y = Y<S>(LoadOwn(as, x + i), m, e, rstd, gamma != nullptr, g, beta != nullptr, b);
    StoreStep<kWhole>(y, static_cast<T*>(row.y.at) + i, n, false);
  });
}

// The sum of x, which is built at row.x and, in float32, at x_now. Writes y of `before`, whose x is x_before.
// `swept(end)` is called when both are written up to column `end`. kFull: x2, gamma, beta, x and a row before are all
// there, which is the usual case and then needs no branches.
template <class T, bool kFull, class Swept>
HWY_INLINE float FormRow(const ForwardOperands& run, const FormedRow<T>& row, const PendingY& before, float* x_now,
                         const float* x_before, const Swept& swept) {
  const F d;
  const V m = hn::Set(d, before.m), e = hn::Set(d, before.e), rstd = hn::Set(d, before.rstd);
  const bool has_x2 = kFull || row.x2 != nullptr, wants_x = kFull || row.x.at != nullptr;
  const bool has_gamma = kFull || run.gamma != nullptr, has_beta = kFull || run.beta != nullptr;
  T *const y_before = static_cast<T*>(before.y.at), *const x_out = static_cast<T*>(row.x.at);
  const bool writes_y = kFull || y_before != nullptr, round_sum = run.round_sum, y_stream = before.y.stream,
             x_stream = row.x.stream;
  const float *const gamma = run.gamma, *const beta = run.beta;
  const auto columns = static_cast<std::size_t>(run.columns);
  const bool fetch_far = run.tuning.fetch != Fetch::nowhere;
  const InputLines<T, kFull, 2> lines{{row.x1, row.x2}};

  const auto terms = [&]<bool kWhole, class S>(std::size_t i, std::size_t n, S& sum, S& none) ALNG_INLINE_LAMBDA {
    const As<S> as;
    if (writes_y) {
      S g = hn::Zero(d), b = hn::Zero(d);
      if (has_gamma) g = LoadColumns<T, kWhole>(as, gamma + i, n);
      if (has_beta) b = LoadColumns<T, kWhole>(as, beta + i, n);
      const S y = Y<S>(LoadOwn(as, x_before + i), m, e, rstd, has_gamma, g, has_beta, b);
      StoreStep<kWhole>(y, y_before + i, n, y_stream);
    }
    S x = LoadStep<kWhole>(as, row.x1 + i, n);
    if (has_x2) x = Add(x, LoadStep<kWhole>(as, row.x2 + i, n));
    if (round_sum) x = Rounded<T>(x);
    if (wants_x) StoreStep<kWhole>(x, x_out + i, n, x_stream);
    StoreOwn(x, x_now + i);
    sum = x;  // +0 beyond the row, where all that is loaded is +0
    none = hn::Zero(d);
  };
  const auto ahead = [&](std::size_t i) ALNG_INLINE_LAMBDA {
    if (fetch_far) lines.FetchFar(i, 2 * StepElements());
  };
  return FoldRow<T, Loop::unrolled>(columns, terms, ahead,
                                    [&](std::size_t end) ALNG_INLINE_LAMBDA {
                                      if (fetch_far) lines.template FetchAtPause<false>(end, end == columns, true);
                                      swept(end);
                                    })
      .w;
}

struct RowStatistics {
  float e;
  float mean;
  float rstd;
};

// From x in float32 and m, its mean as rounded.
template <class T>
HWY_INLINE RowStatistics StatisticsOf(const ForwardOperands& run, const float* x, float row_m) {
  const V m = hn::Set(F(), row_m);
  const auto terms = [&]<bool kWhole, class S>(std::size_t i, std::size_t n, S& w, S& q) ALNG_INLINE_LAMBDA {
    const S c = Sub(LoadOwn(As<S>(), x + i), S(m));
    w = c;
    q = Mul(c, c);
    if constexpr (!kWhole) {
      w = FirstOf<T>(w, n);
      q = FirstOf<T>(q, n);
    }
  };
  const auto nothing = [](std::size_t) ALNG_INLINE_LAMBDA {};
  const RowSums sums = FoldRow<T, Loop::unrolled>(static_cast<std::size_t>(run.columns), terms, nothing, nothing);
  const float e = sums.w * run.inverse_columns;
  const float v = std::fma(-e, e, sums.q * run.inverse_columns);
  return {e, row_m + e, 1.0f / std::sqrt((v < 0.0f ? 0.0f : v) + run.eps)};
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
