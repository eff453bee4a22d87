// dx of one row by itself: of the last row of a task, and of short rows, which are done one by one.

// Per-target include guard
#if defined(ALNG_CPU_ROW_OUTPUT_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_OUTPUT_INL_H
#undef ALNG_CPU_ROW_OUTPUT_INL_H
#else
#define ALNG_CPU_ROW_OUTPUT_INL_H
#endif

#include "cpu/row_step-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::cpu::HWY_NAMESPACE {

// dx of one row from its inputs alone. h is computed once more, as it was for the sums. kFull: x2, gamma and dsum are
// all there; else each may be null.
template <class T, bool kFull>
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
  HWY_INLINE V Dx(V dy, V x1, V x2, V g, V s, V mean, V rstd, V m1, V m2) const {
    const V x = kFull || row.x2 != nullptr ? hn::Add(x1, x2) : x1;
    const V w = kFull || gamma != nullptr ? hn::Mul(dy, g) : dy;
    const V t = NegFma(hn::Mul(hn::Sub(x, mean), rstd), m2, hn::Sub(w, m1));
    return kFull || dsum != nullptr ? Fma(rstd, t, s) : hn::Mul(rstd, t);
  }

  template <bool kWhole>
  HWY_INLINE void Access(std::size_t i, std::size_t n, V mean, V rstd, V m1, V m2) const {
    const F d;
    const V zero = hn::Zero(d);
#if ALNG_HAVE_PAIRS
    if constexpr (kPaired<T>) {
      V dy0, dy1, x10, x11, x20 = zero, x21 = zero, g0 = zero, g1 = zero, s0 = zero, s1 = zero;
      LoadPair<kWhole>(row.dy + i, n, dy0, dy1);
      LoadPair<kWhole>(row.x1 + i, n, x10, x11);
      if (kFull || row.x2 != nullptr) LoadPair<kWhole>(row.x2 + i, n, x20, x21);
      if (kFull || gamma != nullptr) {
        g0 = hn::LoadU(d, gamma + i);
        g1 = hn::LoadU(d, gamma + i + 16);
      }
      if (kFull || dsum != nullptr) LoadPair<kWhole>(dsum + i, n, s0, s1);
      const V dx0 = Dx(dy0, x10, x20, g0, s0, mean, rstd, m1, m2);
      const V dx1 = Dx(dy1, x11, x21, g1, s1, mean, rstd, m1, m2);
      StorePair<kWhole>(dx0, dx1, dx + i, n, false);
      return;
    }
#endif
    const V out = Dx(LoadMaybe<kWhole>(row.dy + i, n), LoadMaybe<kWhole>(row.x1 + i, n),
                     kFull || row.x2 != nullptr ? LoadMaybe<kWhole>(row.x2 + i, n) : zero,
                     kFull || gamma != nullptr ? LoadMaybe<kWhole>(gamma + i, n) : zero,
                     kFull || dsum != nullptr ? LoadMaybe<kWhole>(dsum + i, n) : zero, mean, rstd, m1, m2);
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
