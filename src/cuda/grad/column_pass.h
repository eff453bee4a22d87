// Units' sums to dgamma and dbeta: the upper levels of the leaf tree. A block has 32 columns of one of the two; row y
// of its threads has units y * own_units and on, then a tree over y.
#ifndef ALNG_CUDA_GRAD_COLUMN_PASS_H
#define ALNG_CUDA_GRAD_COLUMN_PASS_H

#include "cuda/access.h"
#include "cuda/grad/kernels.h"
#include "order/leaves.h"

namespace alng::impl::cuda {

static __global__ void __launch_bounds__(1024) column_pass(const __grid_constant__ ColumnPass p) {
  const int sum = static_cast<int>(block_y());
  if (p.out[sum].data == nullptr) return;
  const int x = static_cast<int>(thread_index()) & 31, y = static_cast<int>(thread_index()) / 32;
  const int ys = static_cast<int>(threads_of_block()) / 32;
  const std::int64_t column = static_cast<std::int64_t>(block_x()) * 32 + x;
  float* const sums = reinterpret_cast<float*>(shared_memory()) + x;  // [ys][32]
  wait_for_launch_before();

  const int first = y * p.own_units;
  const int count = p.units - first < p.own_units ? p.units - first : p.own_units;
  // A binary counter: bit l of the number of units done tells whether pending[l] waits for its neighbour.
  float pending[7] = {}, v = 0.0f;
  if (column < p.columns && count > 0) {
    for (int n = 0; n < count; ++n) {
      v = read_global(p.sums + (static_cast<std::int64_t>(first + n) * 2 + sum) * p.padded + column);
#pragma unroll
      for (int level = 0; level < 6; ++level) {
        if ((n & ((2 << level) - 1)) == (2 << level) - 1) v = add(pending[level], v);
      }
#pragma unroll
      for (int level = 0; level <= 6; ++level) {
        const bool rests = (n & ((1 << level) - 1)) == (1 << level) - 1 && ((n >> level) & 1) == 0;
        if (rests) pending[level] = v;
      }
    }
    // What has no neighbour passes up, and is added to what waits on its left.
    bool any = false;
#pragma unroll
    for (int level = 0; level <= 6; ++level) {
      if (((count >> level) & 1) == 0) continue;
      v = any ? add(pending[level], v) : pending[level];
      any = true;
    }
  }
  write_shared(sums + y * 32, v);
  block_barrier(0, threads_of_block());
  for (int d = 1; d < ys; d *= 2) {
    if (y % (2 * d) == 0 && y + d < ys) {
      write_shared(sums + y * 32, add(read_shared(sums + y * 32), read_shared(sums + (y + d) * 32)));
    }
    block_barrier(0, threads_of_block());
  }
  if (y != 0 || column >= p.columns) return;
  auto* const out = reinterpret_cast<float*>(p.out[sum].data + column_offset(p.out[sum], column));
  v = read_shared(sums);
  // One unit's sum comes through without arithmetic, and NaN is canonical only after some; + -0 changes no other value.
  write_global(out, canonical(add(p.accumulate ? read_global(out) : -0.0f, v)));
}

}  // namespace alng::impl::cuda

#endif
