// How a block's shared memory is divided: [streams][stages] of rows on their way in, then what lies behind them.
#ifndef ALNG_CUDA_STAGE_SHAPE_H
#define ALNG_CUDA_STAGE_SHAPE_H

#include <cstdint>

namespace alng::impl::cuda {

/// A stream is the warps that do one row after another, or, where rows have few columns, some rows after others.
/// Offsets and sizes in bytes.
struct StageShape {
  std::int32_t columns;
  /// Of a stream: one for each 512 columns, or as many as share the rows. Of a cluster's stream, in each block.
  std::int32_t warps;
  /// Of a block.
  std::int32_t streams;
  std::int32_t stages;
  /// Of each tensor in a stage; -1 where it does not come through shared memory.
  std::int32_t offset[4];
  std::int32_t stage_bytes;
  /// Bytes of a tensor's row.
  std::int32_t row_bytes;
  /// Of what comes behind the stages of all streams.
  std::int32_t values, sums, mbarriers;
};

/// By how many bytes the vectors of 16 bytes that 512 elements touch may be more than the elements.
inline constexpr int run_margin = 16;

/// Of the largest block, and what the name of the kernels for clusters of such blocks says instead.
inline constexpr int most_block_threads = 512, cluster_threads = 8 * most_block_threads;

/// Threads that share rows of the gradient of few columns, and what they hand each other, in floats: see
/// grad/narrow_rows.h.
inline constexpr int narrow_threads = 64;
inline constexpr int exchange_quarter = 4 * narrow_threads + 16;
inline constexpr int exchange_floats = 2 * 4 * exchange_quarter;

}  // namespace alng::impl::cuda

#endif
