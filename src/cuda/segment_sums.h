// The sums of a row's segments, from the warps that made them to all threads of the stream.
#ifndef ALNG_CUDA_SEGMENT_SUMS_H
#define ALNG_CUDA_SEGMENT_SUMS_H

#include "cuda/row_fold.h"
#include "cuda/row_stages.h"

namespace alng::impl::cuda {

/// Two sums at a time, in turn in one of two places, so that a single barrier is enough: [2][2][most_warps] floats of a
/// stream.
template <int most_warps, class L>
class SegmentSums {
 public:
  ALNG_DEVICE SegmentSums(const StageShape& shape, const Self& self)
      : self_(self),
        warps_(shape.warps),
        memory_(reinterpret_cast<float*>(shared_memory() + shape.sums) + self.stream * 4 * most_warps) {
    // Segments that no warp has are padding.
    for (int i = self.in_row; i < 4 * most_warps; i += 32 * warps_) {
      if (i % most_warps >= warps_) write_shared(memory_ + i, 0.0f);
    }
  }

  /// Stores this warp's two sums, waits for the stream's other warps, and adds all: the row sums.
  ALNG_DEVICE void add_up(float sum, int turn, float& first, float& second) const {
    if constexpr (most_warps == 1) {
      const float other = shuffle_xor(sum, second_mask<L>);
      first = add(0.0f, has_second<L>(self_.lane) ? other : sum);
      second = add(0.0f, has_second<L>(self_.lane) ? sum : other);
      warp_barrier();
    } else {
      float* const sums = memory_ + turn * 2 * most_warps;
      if (tells_sum<L>(self_.lane)) {
        write_shared(sums + (has_second<L>(self_.lane) ? most_warps : 0) + self_.segment, sum);
      }
      block_barrier(1 + static_cast<unsigned>(self_.stream), 32 * static_cast<unsigned>(warps_));
      first = total(sums);
      second = total(sums + most_warps);
    }
  }

 private:
  ALNG_DEVICE static float total(const float* sums) {
    float v[most_warps];
#pragma unroll
    for (int k = 0; k < most_warps; k += 4) {
      const float4 four = read_shared(reinterpret_cast<const float4*>(sums + k));
      v[k] = four.x;
      v[k + 1] = four.y;
      v[k + 2] = four.z;
      v[k + 3] = four.w;
    }
    return group_sum<most_warps>(v);
  }

  const Self self_;
  const int warps_;
  float* const memory_;
};

}  // namespace alng::impl::cuda

#endif
