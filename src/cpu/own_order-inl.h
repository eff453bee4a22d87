// gamma and beta as kernels read them: the caller's float32, or a copy made by Widen.

// Per-target include guard
#if defined(ALNG_CPU_OWN_ORDER_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_OWN_ORDER_INL_H
#undef ALNG_CPU_OWN_ORDER_INL_H
#else
#define ALNG_CPU_OWN_ORDER_INL_H
#endif

#include "cpu/own_order.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

// OwnOrder::widen
template <class T>
void Widen(const void* values, float* wide, std::int64_t columns) {
  const T* const from = static_cast<const T*>(values);
  ForEachStep(static_cast<std::size_t>(columns), [&]<bool kWhole>(std::size_t i, std::size_t n) ALNG_INLINE_LAMBDA {
    StoreOwn(LoadStep<kWhole>(As<Step>(), from + i, n), wide + i);
  });
}

template <class T>
OwnOrder OwnOrderOf() {
#if ALNG_HAVE_PAIRS
  if constexpr (kPaired<T>) return {&Widen<T>, &ToPairs, &FromPairs};
#endif
  return {&Widen<T>, nullptr, nullptr};
}

// Of a value for each column. A copy of the kernels' own is padded; bfloat16 has the copy always.
template <class T, bool kWhole, class S>
HWY_INLINE S LoadColumns(As<S> as, const float* p, size_t n) {
  constexpr bool whole = kWhole || kPaired<T>;
  return LoadStep<whole>(as, p, n);
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
