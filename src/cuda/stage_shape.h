// How a block's shared memory is divided: [streams][stages] of rows on their way in, then what lies behind them.
#ifndef ALNG_CUDA_STAGE_SHAPE_H
#define ALNG_CUDA_STAGE_SHAPE_H

#include <cstdint>

namespace alng::impl::cuda {

/// A stream is the warps that do one row after another. Offsets and sizes in bytes.
struct StageShape {
  std::int32_t columns;
  /// Of a stream: one for each 512 columns.
  std::int32_t warps;
  /// Of a block.
  std::int32_t streams;
  std::int32_t stages;
  /// Of each tensor in a stage; -1 where it does not come through shared memory.
  std::int32_t offset[4];
  std::int32_t stage_bytes;
  /// Bytes of a tensor's row: all that a bulk copy brings.
  std::int32_t row_bytes;
  /// Of what comes behind the stages of all streams.
  std::int32_t values, sums, mbarriers;
};

/// Words that a warp's 512 elements may touch: one more than their size where 16-bit rows begin between two words; a
/// multiple of 4.
inline constexpr int segment_words_16 = 260;
inline constexpr int segment_words_32 = 512;

}  // namespace alng::impl::cuda

#endif
