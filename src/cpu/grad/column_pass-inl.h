// The column pass: what happens to column sums after the row pass has made them.

// Per-target include guard
#if defined(ALNG_CPU_GRAD_COLUMN_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_GRAD_COLUMN_PASS_INL_H
#undef ALNG_CPU_GRAD_COLUMN_PASS_INL_H
#else
#define ALNG_CPU_GRAD_COLUMN_PASS_INL_H
#endif

#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

inline void Add(float* sum, const float* other, std::int64_t padded_columns) {
  for (const float* const end = sum + padded_columns; sum < end; sum += StepElements(), other += StepElements()) {
    StoreOwn(Add(LoadOwn(As<Step>(), sum), LoadOwn(As<Step>(), other)), sum);
  }
}

inline void WriteSums(float* output, const float* sum, std::int64_t columns, bool accumulate) {
  ForEachStep(static_cast<std::size_t>(columns), [&]<bool kWhole>(std::size_t j, std::size_t n) ALNG_INLINE_LAMBDA {
    Step value = LoadStep<kWhole>(As<Step>(), sum + j, n);
    if (accumulate) value = Add(LoadStep<kWhole>(As<Step>(), output + j, n), value);
    StoreStep<kWhole>(value, output + j, n, ThroughCaches());
  });
}

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
