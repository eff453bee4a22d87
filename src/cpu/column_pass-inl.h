// The column pass: what happens to column sums after the row pass has made them.

// Per-target include guard
#if defined(ALNG_CPU_COLUMN_PASS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_COLUMN_PASS_INL_H
#undef ALNG_CPU_COLUMN_PASS_INL_H
#else
#define ALNG_CPU_COLUMN_PASS_INL_H
#endif

#include <algorithm>

#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::cpu::HWY_NAMESPACE {

inline void Add(float* sum, const float* other, std::int64_t columns) {
  const F d;
  const std::int64_t lanes = static_cast<std::int64_t>(Lanes());
  std::int64_t j = 0;
  for (; j + lanes <= columns; j += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, sum + j), hn::LoadU(d, other + j)), d, sum + j);
  }
  for (; j < columns; ++j) sum[j] = sum[j] + other[j];
}

inline void WriteSums(float* output, const float* sum, std::int64_t columns, bool accumulate) {
  const std::int64_t lanes = static_cast<std::int64_t>(Lanes());
  for (std::int64_t j = 0; j < columns; j += lanes) {
    const std::size_t n = static_cast<std::size_t>(std::min(lanes, columns - j));
    V value = LoadAny(sum + j, n);
    if (accumulate) value = hn::Add(LoadAny(output + j, n), value);
    StoreAny(value, output + j, n);
  }
}

}  // namespace alng::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
