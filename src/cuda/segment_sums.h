// The sums of a row's segments, from the warps that made them to all threads of the stream.
#ifndef ALNG_CUDA_SEGMENT_SUMS_H
#define ALNG_CUDA_SEGMENT_SUMS_H

#include <type_traits>

#include "cuda/row_fold.h"
#include "cuda/row_stages.h"

namespace alng::impl::cuda {

/// Of rows in one block. Two sums at a time, in turn in one of two places, so that a single barrier is enough:
/// [2][2][most_warps] floats of a stream.
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

  /// Everybody of the block is here.
  ALNG_DEVICE void begin() const { block_barrier(0, threads_of_block()); }

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

/// Of rows in a cluster's blocks: every warp tells its two sums to each of them, in turn in one of two places, and then
/// adds up all groups of 32 segments itself, a lane for each: [2 turns][2 sums][segments, rounded up to 32] floats.
template <class L>
class ClusterSums {
 public:
  ALNG_DEVICE ClusterSums(const StageShape& shape, const Self& self)
      : self_(self),
        blocks_(cluster_blocks()),
        slots_((shape.columns + 512 * 32 - 1) / (512 * 32) * 32),
        memory_(reinterpret_cast<float*>(shared_memory() + shape.sums)) {
    // Segments that no warp has are padding.
    const int warps = static_cast<int>(blocks_) * shape.warps;
    for (int i = self.in_row; i < 4 * slots_; i += 32 * shape.warps) {
      if (i % slots_ >= warps) write_shared(memory_ + i, 0.0f);
    }
  }

  /// Everybody of the cluster is here.
  ALNG_DEVICE void begin() const {
    cluster_arrive();
    cluster_wait();
  }
  ALNG_DEVICE void add_up(float sum, int turn, float& first, float& second) const {
    float* const sums = memory_ + turn * 2 * slots_;
    if (tells_sum<L>(self_.lane)) {
      float* const to = sums + (has_second<L>(self_.lane) ? slots_ : 0) + self_.segment;
      for (unsigned block = 0; block < blocks_; ++block) write_remote(to, block, sum);
    }
    cluster_arrive();
    cluster_wait();
    const bool upper = (self_.lane & 16) != 0;
    float total = 0.0f;
    for (int group = 0; group < slots_; group += 32) {
      float two[2] = {read_shared(sums + group + self_.lane), read_shared(sums + slots_ + group + self_.lane)};
      halve<2>(two, two, upper, 16);  // the first sum in the lower lanes, the second in the upper ones
#pragma unroll
      for (unsigned distance = 8; distance > 0; distance /= 2) two[0] = across(two[0], distance);
      total = add(total, two[0]);
    }
    const float other = shuffle_xor(total, 16);
    first = upper ? other : total;
    second = upper ? total : other;
  }

 private:
  const Self self_;
  const unsigned blocks_;
  const int slots_;
  float* const memory_;
};

template <int row_threads, class L>
using SumsOfRows = std::conditional_t<(row_threads > most_block_threads), ClusterSums<L>,
                                      SegmentSums<(row_threads <= 32 ? 1 : row_threads / 32), L>>;

}  // namespace alng::impl::cuda

#endif
