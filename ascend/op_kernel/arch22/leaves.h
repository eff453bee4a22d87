// What the column pass does to the leaves' sums, for architecture 2201.
#ifndef ALNG_ASCEND_OP_KERNEL_ARCH22_LEAVES_H
#define ALNG_ASCEND_OP_KERNEL_ARCH22_LEAVES_H

#include "vectors.h"

namespace alng_npu {

// Adds `leaves` rows of `width` floats as a tree into the first one.
__aicore__ inline void fold_leaves(const Floats& slots, uint32_t leaves, uint32_t width) {
  for (uint32_t left = leaves; left > 1;) {
    const uint32_t kept = (left + 1) / 2;
    const uint32_t repeats = (left - kept) * (width / kLanes);
    each<AddOf>(slots, slots, slots[kept * width], repeats);
    barrier();
    left = kept;
  }
}

// sum + one row, where the sum starts 0 + the row.
__aicore__ inline void add_leaves(const Floats& sum, const Floats& row, uint32_t width, bool starts) {
  accumulate(sum, row, width / kLanes, starts);
  barrier();
}

__aicore__ inline void clear_sum(const Floats& sum, uint32_t width) {
  AscendC::Duplicate(sum, 0.0f, static_cast<int32_t>(width));
  barrier();
}

}  // namespace alng_npu

#endif
