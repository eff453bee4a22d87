// The formula: one sweep over a row makes the terms of its two sums and its share of the column sums and, in the same
// loop, dx of the row before, whose sums are known by now.
//
// Two rows in one loop keep memory busy with all streams at once (dy, x1, x2 of this row, dsum and dx of the one
// before), hide the last additions of the row sums behind the next row, and load gamma once for two uses. h is kept in
// float32 from one sweep to the next, so that x1 and x2 are read once.

// Per-target include guard
#if defined(ALNG_CPU_GRAD_ROW_STEP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_GRAD_ROW_STEP_INL_H
#undef ALNG_CPU_GRAD_ROW_STEP_INL_H
#else
#define ALNG_CPU_GRAD_ROW_STEP_INL_H
#endif

#include "cpu/grad/kernels.h"
#include "cpu/own_order-inl.h"
#include "cpu/row_access-inl.h"
#include "cpu/row_fetch-inl.h"
#include "cpu/row_fold-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// A row whose sums are wanted. x2 may be null.
template <class T>
struct Row {
  const T* dy;
  const T* x1;
  const T* x2;
  float mean;
  float rstd;
};

// The row before: its dx is still to be written. dx.at is null where there is none; dsum may be null.
template <class T>
struct PendingRow {
  const T* dy;
  const T* dsum;
  BuiltRow dx;
  float rstd;
  float m1;
  float m2;
};

// Which rows a sweep adds to the column sums.
enum class Adds {
  nothing,
  row,       // the row at hand
  both_rows  // the row before, which its own sweep left out, and then the row at hand
};

// w = dy * gamma, w = dy without gamma; x = x1 + x2, x1 without x2; rstd * t + dsum, rstd * t without dsum. `there` is
// a constant where a sweep has all operands.
template <class S>
HWY_INLINE S Scaled(bool there, S dy, S gamma) {
  if (there) return Mul(dy, gamma);
  return dy;
}
template <class S>
HWY_INLINE S Dx(bool there, S w, S h, S m1, S m2, S rstd, S dsum) {
  const S t = NegFma(h, m2, Sub(w, m1));
  if (there) return Fma(rstd, t, dsum);
  return Mul(rstd, t);
}

// How a sweep is compiled.
struct Kind {
  // gamma, x2, dsum and a row before are all there, which is the usual case and then needs no branches.
  bool full;
  // Inputs are fetched into the first-level cache, else into the second where `fetch_far`.
  bool near;
  Adds adds;
  // There is no row before, and h is not kept.
  bool alone = false;
};

// The sums of `row`. Writes dx of `before`. `h` holds h of the row before and is given that of this row. Column sums
// begin with this row where `first`.
template <class T, Kind kKind>
HWY_INLINE RowSums Sweep(size_t columns, const Row<T>& row, const PendingRow<T>& before, const float* gamma, float* h,
                         Sums sums, bool first, bool fetch_far) {
  const F d;
  const V mean = hn::Set(d, row.mean), rstd = hn::Set(d, row.rstd), rstd_before = hn::Set(d, before.rstd);
  const V m1 = hn::Set(d, before.m1), m2 = hn::Set(d, before.m2);
  const bool has_gamma = kKind.full || gamma != nullptr, has_x2 = kKind.full || row.x2 != nullptr;
  const bool has_dsum = kKind.full || before.dsum != nullptr;
  const bool writes_dx = !kKind.alone && (kKind.full || kKind.adds == Adds::both_rows || before.dx.at != nullptr);
  const BuildingRow dx_row(before.dx);
  const InputLines<T, kKind.full, 4> lines{{row.dy, row.x1, row.x2, before.dsum}};

  const auto vectors = [&]<bool kWhole, class S>(As<S> as, size_t i, size_t n, S& w, S& q) ALNG_INLINE_LAMBDA {
    const auto load = [&](const T* p) ALNG_INLINE_LAMBDA { return LoadStep<kWhole>(as, p + i, n); };
    S g = hn::Zero(d), dy_before = hn::Zero(d), h_before = hn::Zero(d), dsum = hn::Zero(d);
    if (has_gamma) g = LoadColumns<T, kWhole>(as, gamma + i, n);
    // dx comes first: with the row at hand before it, 3 % slower.
    if (writes_dx) {
      dy_before = load(before.dy);
      h_before = LoadOwn(as, h + i);
      if (has_dsum) dsum = load(before.dsum);
      const S w_before = Scaled<S>(has_gamma, dy_before, g);
      const S dx = Dx<S>(has_dsum, w_before, h_before, m1, m2, rstd_before, dsum);
      StoreStep<kWhole>(dx, static_cast<T*>(before.dx.at) + i, n, dx_row);
    }
    S x = load(row.x1);
    if (has_x2) x = Add(x, load(row.x2));
    const S dy = load(row.dy);
    const S h_now = Mul(Sub(x, S(mean)), S(rstd));
    if constexpr (!kKind.alone) StoreOwn(h_now, h + i);
    w = Scaled<S>(has_gamma, dy, g);
    q = Mul(w, h_now);
    if constexpr (kKind.adds != Adds::nothing) {
      S dgamma = LoadOwnOrZero(as, first, sums.dgamma + i);
      S dbeta = LoadOwnOrZero(as, first, sums.dbeta + i);
      if constexpr (kKind.adds == Adds::both_rows) {
        dgamma = Fma(dy_before, h_before, dgamma);
        dbeta = Add(dbeta, dy_before);
      }
      StoreOwn(Fma(dy, h_now, dgamma), sums.dgamma + i);
      StoreOwn(Add(dbeta, dy), sums.dbeta + i);
    }
    // Beyond the row h is -mean * rstd, which may be infinite, and gamma's padding anything.
    if constexpr (!kWhole) {
      w = FirstOf<T>(w, n);
      q = FirstOf<T>(q, n);
    }
  };

  const auto terms = [&]<bool kWhole>(size_t i, size_t n, auto& w, auto& q, auto&) ALNG_INLINE_LAMBDA {
    if constexpr (kKind.near && kWhole && sizeof(T) == sizeof(float)) {
      vectors.template operator()<true>(As<V>(), i, 0, w.first, q.first);
      lines.FetchNear(i);
      vectors.template operator()<true>(As<V>(), i + 16, 0, w.second, q.second);
      lines.FetchNear(i + 16);
    } else {
      if constexpr (kKind.near && kWhole) lines.FetchNear(i);
      vectors.template operator()<kWhole>(As<Step>(), i, n, w, q);
    }
  };
  const auto ahead = [&](size_t i) ALNG_INLINE_LAMBDA {
    if (!kKind.near && fetch_far) lines.FetchFar(i, 2 * StepElements());
  };
  constexpr Loop loop = kKind.near ? Loop::short_ : Loop::unrolled;
  return FoldRow<T, loop, 2>(columns, terms, ahead, [&](size_t end) ALNG_INLINE_LAMBDA {
    lines.template FetchAtPause<kKind.near>(end, end == columns, fetch_far);
  });
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
