#include "cuda/tuning.h"

#include <algorithm>

#include "order/row_sum.h"

namespace alng::impl::cuda {
namespace {

// Threads of a block: 8 warps, or the 16 of the longest rows. Two blocks of 8 warps leave 128 registers to a thread.
constexpr int block_warps = 8;
// With three stages two rows of each stream are on their way: from 512 columns on that is 64 KiB and more for each
// multiprocessor, where 19 KiB are what its share of an H200's bandwidth brings in the 1000 clocks that memory takes to
// answer.
constexpr int most_stages = 3;
// The system's share of each block.
constexpr std::int64_t reserved_per_block = 1024;
// A whole row of values for each column, float32, for each warp.
constexpr std::int64_t values_of_warp = 512 * 4;

std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

std::int64_t row_in_stage(const StageNeeds& needs, int warps) {
  switch (needs.access) {
    case Access::bulk:
      return round_up(std::min<std::int64_t>(needs.columns, 512 * warps) * needs.element_size, 128);
    case Access::own:
      return warps * 512 * needs.element_size;
    default:
      return warps * (512 * needs.element_size + run_margin);
  }
}

// Shared memory of a block with so many stages, laid out in `shape`.
std::int64_t lay_out(const StageNeeds& needs, int stages, bool leave_out, int row_threads, StageShape& shape) {
  const std::int64_t row = row_in_stage(needs, shape.warps);
  std::int64_t end = 0;
  for (int t = 0; t < 4; ++t) {
    const bool staged = needs.staged[t] && !(leave_out && t == needs.may_be_left_out);
    shape.offset[t] = staged ? static_cast<std::int32_t>(end) : -1;
    if (staged) end += row;
  }
  shape.stages = stages;
  shape.stage_bytes = static_cast<std::int32_t>(end);
  shape.row_bytes = static_cast<std::int32_t>(needs.columns * needs.element_size);
  end *= shape.streams * stages;
  shape.values = static_cast<std::int32_t>(end);
  end += needs.column_values * values_of_warp * shape.warps;
  shape.sums = static_cast<std::int32_t>(end);
  // [2 turns][2 sums][the kernel's warps, or whole groups of segments] floats of a stream.
  if (row_threads > most_block_threads) {
    end += 4 * round_up(needs.columns, group_segments * segment_terms) / segment_terms * 4;
  } else if (row_threads > 32) {
    end += std::int64_t{shape.streams} * 4 * (row_threads / 32) * 4;
  }
  if (row_threads < 32 && needs.exchanges) end += std::int64_t{shape.streams} * exchange_floats * 4;
  shape.mbarriers = static_cast<std::int32_t>(end);
  if (needs.access == Access::bulk) end += std::int64_t{shape.streams} * stages * 8;
  return end;
}

// The kernels' sizes: 1, 4, 8 or 16 warps to a row; of few columns 8 or 16 lanes, or 4 that read vectors of 16 bits.
int row_threads_for(const StageNeeds& needs) {
  if (needs.columns > most_narrow_columns) {
    for (const int warps : {1, 4, 8, 16}) {
      if (needs.columns <= 512 * warps) return 32 * warps;
    }
    return cluster_threads;
  }
  if (needs.columns <= 64 && needs.element_size == 2 && needs.access == Access::own) return 4;
  return needs.columns <= 128 ? 8 : 16;
}

}  // namespace

std::optional<RowTuning> tune_rows(const StageNeeds& needs, const Gpu& gpu) {
  RowTuning tuning{};
  StageShape& shape = tuning.shape;
  shape.columns = static_cast<std::int32_t>(needs.columns);
  tuning.row_threads = row_threads_for(needs);
  const bool narrow = tuning.row_threads < 32;
  const std::int64_t segments = (needs.columns + segment_terms - 1) / segment_terms;
  tuning.cluster = 1;
  if (tuning.row_threads == cluster_threads) {
    std::size_t size = 0;
    while (needs.columns > cluster_sizes[size] * most_block_columns) ++size;
    if (gpu.clusters[size] == 0) return std::nullopt;
    tuning.cluster = cluster_sizes[size];
    tuning.most_blocks = gpu.clusters[size] * tuning.cluster;
  }
  shape.warps = static_cast<std::int32_t>(narrow ? (needs.exchanges ? narrow_threads / 32 : 1)
                                                 : (segments + tuning.cluster - 1) / tuning.cluster);
  tuning.rows_at_once = narrow ? 32 * shape.warps / tuning.row_threads : 1;
  // All the streams that a block has warps for before fewer, which GPUs with little shared memory need. Two blocks for
  // each multiprocessor before one, since 8 warps alone leave its schedulers idle; three stages before two, all tensors
  // staged before all but one.
  for (shape.streams = std::max(1, block_warps / shape.warps); shape.streams > 0; shape.streams /= 2) {
    tuning.threads = static_cast<unsigned>(32 * shape.warps * shape.streams);
    for (const int blocks : {2, 1}) {
      if (blocks == 2 && tuning.row_threads >= most_block_threads) continue;
      for (const bool leave_out : {false, true}) {
        if (leave_out && (blocks == 2 || needs.may_be_left_out < 0 || !needs.staged[needs.may_be_left_out])) continue;
        for (int stages = most_stages; stages >= 2; --stages) {
          const std::int64_t bytes = lay_out(needs, stages, leave_out, tuning.row_threads, shape);
          if (bytes > gpu.shared_per_block || blocks * (bytes + reserved_per_block) > gpu.shared_per_multiprocessor) {
            continue;
          }
          tuning.shared_bytes = static_cast<unsigned>(bytes);
          tuning.blocks_per_multiprocessor = blocks;
          if (tuning.cluster == 1) tuning.most_blocks = blocks * gpu.multiprocessors;
          return tuning;
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace alng::impl::cuda
