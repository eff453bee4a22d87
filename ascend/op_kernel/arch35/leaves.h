// What the column pass does to the leaves' sums, for architecture 3510.
#ifndef ALNG_ASCEND_OP_KERNEL_ARCH35_LEAVES_H
#define ALNG_ASCEND_OP_KERNEL_ARCH35_LEAVES_H

#include "registers.h"

namespace alng_npu {

// to = a + b, or 0 + b; the numbers of floats are multiples of 64.
template <bool starts>
__aicore__ inline void add(const Floats& to_of, const Floats& a_of, const Floats& b_of, uint32_t floats) {
  __ubuf__ float* to = reinterpret_cast<__ubuf__ float*>(to_of.GetPhyAddr());
  __ubuf__ float* a = reinterpret_cast<__ubuf__ float*>(a_of.GetPhyAddr());
  __ubuf__ float* b = reinterpret_cast<__ubuf__ float*>(b_of.GetPhyAddr());
  const uint16_t registers = registers_of(floats);
  __VEC_SCOPE__ {
    FloatReg x, y;
    Reg::MaskReg all = Reg::CreateMask<float, Reg::MaskPattern::ALL>();
    for (uint16_t j = 0; j < registers; ++j) {
      load(y, b + j * kLanes, all);
      if constexpr (starts) {
        Reg::Adds(x, y, 0.0f, all);
      } else {
        load(x, a + j * kLanes, all);
        Reg::Add(x, x, y, all);
      }
      store(to + j * kLanes, x, all);
    }
  }
  barrier();
}

// Adds `leaves` rows of `width` floats as a tree into the first one.
__aicore__ inline void fold_leaves(const Floats& slots, uint32_t leaves, uint32_t width) {
  for (uint32_t left = leaves; left > 1;) {
    const uint32_t kept = (left + 1) / 2;
    add<false>(slots, slots, slots[kept * width], (left - kept) * width);
    left = kept;
  }
}

// sum + one row, where the sum starts 0 + the row.
__aicore__ inline void add_leaves(const Floats& sum, const Floats& row, uint32_t width, bool starts) {
  if (starts) {
    add<true>(sum, row, row, width);
  } else {
    add<false>(sum, sum, row, width);
  }
}

__aicore__ inline void clear_sum(const Floats& sum_of, uint32_t width) {
  __ubuf__ float* sum = reinterpret_cast<__ubuf__ float*>(sum_of.GetPhyAddr());
  const uint16_t registers = registers_of(width);
  __VEC_SCOPE__ {
    FloatReg zero;
    Reg::MaskReg all = Reg::CreateMask<float, Reg::MaskPattern::ALL>();
    Reg::Duplicate(zero, 0.0f, all);
    for (uint16_t j = 0; j < registers; ++j) store(sum + j * kLanes, zero, all);
  }
  barrier();
}

}  // namespace alng_npu

#endif
