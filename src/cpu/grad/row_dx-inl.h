// dx of one row by itself.

// Per-target include guard
#if defined(ALNG_CPU_GRAD_ROW_DX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_GRAD_ROW_DX_INL_H
#undef ALNG_CPU_GRAD_ROW_DX_INL_H
#else
#define ALNG_CPU_GRAD_ROW_DX_INL_H
#endif

#include "cpu/grad/row_step-inl.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// dx from the inputs and sums of its row: of the last row of a task, and of short rows, which are done one by one. h is
// computed once more, as it was for the sums. kFull: x2, gamma and dsum are all there; else each may be null.
template <class T, bool kFull>
HWY_INLINE void WriteDx(std::size_t columns, const Row<T>& row, const float* gamma, float row_m1, float row_m2,
                        const T* dsum, T* dx) {
  const F d;
  const V mean = hn::Set(d, row.mean), rstd = hn::Set(d, row.rstd), m1 = hn::Set(d, row_m1), m2 = hn::Set(d, row_m2);
  using S = Step;
  const As<S> as;
  ForEachStep(columns, [&]<bool kWhole>(std::size_t i, std::size_t n) ALNG_INLINE_LAMBDA {
    const auto load = [&](const T* p) ALNG_INLINE_LAMBDA { return LoadStep<kWhole>(as, p + i, n); };
    S x = load(row.x1), g = hn::Zero(d), s = hn::Zero(d);
    if (kFull || row.x2 != nullptr) x = Add(x, load(row.x2));
    if (kFull || gamma != nullptr) g = LoadColumns<T, kWhole>(as, gamma + i, n);
    if (kFull || dsum != nullptr) s = load(dsum);
    const S h = Mul(Sub(x, S(mean)), S(rstd));
    const S w = Scaled<S>(kFull || gamma != nullptr, load(row.dy), g);
    StoreStep<kWhole>(Dx<S>(kFull || dsum != nullptr, w, h, m1, m2, rstd, s), dx + i, n, ThroughCaches());
  });
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
