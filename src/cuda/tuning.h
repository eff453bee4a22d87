// How rows are divided among threads on a GPU: numbers, chosen from the problem and the GPU alone.
#ifndef ALNG_CUDA_TUNING_H
#define ALNG_CUDA_TUNING_H

#include <cstdint>
#include <optional>

#include "cuda/gpu.h"
#include "cuda/launch.h"
#include "cuda/stage_shape.h"

namespace alng::impl::cuda {

/// Rows of at most 16 segments, or as many for each of a cluster's 8 blocks, are read once, where there are no more
/// than 2^30.
inline constexpr std::int64_t most_block_columns = 8192, most_cluster_columns = 8 * most_block_columns;
inline constexpr std::int64_t most_staged_rows = std::int64_t{1} << 30;
/// Of rows of no more columns a warp has several.
inline constexpr std::int64_t most_narrow_columns = 256;

/// What a kernel of Pass::rows needs in shared memory.
struct StageNeeds {
  Access access;
  std::int64_t columns;
  std::int64_t element_size;
  /// By their places in a stage: whether the problem has the tensor.
  bool staged[4];
  /// The last one may be read from global memory where shared memory is short.
  int may_be_left_out;
  /// Tensors with a value for each column that are kept beside the rows.
  int column_values;
  /// Whether narrow rows are done by narrow_threads, which hand each other what they have of them; else by a warp.
  bool exchanges;
};

struct RowTuning {
  StageShape shape;
  /// Of the kernel: the smallest that a row fits in.
  int row_threads;
  /// Rows that a stream has at once.
  int rows_at_once;
  unsigned threads, shared_bytes;
  int blocks_per_multiprocessor;
  /// Blocks that have a row together.
  int cluster;
  /// Blocks that run at once.
  int most_blocks;
};

/// Nothing where not even two stages fit, or a row needs a cluster that the GPU has no room for.
std::optional<RowTuning> tune_rows(const StageNeeds& needs, const Gpu& gpu);

}  // namespace alng::impl::cuda

#endif
