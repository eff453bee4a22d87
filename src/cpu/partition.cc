#include "cpu/partition.h"

#include <algorithm>
#include <bit>

#include "cpu/kernels.h"
#include "cpu/leaf_tree.h"
#include "plan/leaves.h"

namespace alng::cpu {
namespace {

constexpr std::size_t line = 64;
// What plan.hpp promises: 1 MiB + 512 bytes for each column.
constexpr std::size_t workspace_bound = std::size_t{1} << 20;
constexpr std::size_t workspace_bound_per_column = 512;

// Below this many bytes for each task, waking another thread costs more than it saves.
constexpr std::int64_t min_task_bytes = 256 << 10;

std::size_t round_up(std::size_t bytes) noexcept { return (bytes + line - 1) / line * line; }

Partition lay_out(const Problem& problem, int tasks, std::int64_t leaves, std::int64_t unit_leaves,
                  const Needs& needs) noexcept {
  const ProblemDescription& d = problem.description();
  const std::size_t columns = static_cast<std::size_t>(problem.columns());
  const std::size_t sums = static_cast<std::size_t>(padded(problem.columns())) * sizeof(float);
  const int sums_wanted = (d.dgamma ? 1 : 0) + (d.dbeta ? 1 : 0);

  Partition p;
  p.leaves = leaves;
  p.tasks = tasks;
  p.unit_leaves = unit_leaves;
  p.units = (leaves + unit_leaves - 1) / unit_leaves;
  p.slots = sums_wanted == 0 ? 0 : LeafTree::enough_slots(p.units, tasks);
  p.slot_floats = static_cast<std::int64_t>(sums_wanted * sums / sizeof(float));
  p.dbeta_offset = d.dgamma ? static_cast<std::int64_t>(sums / sizeof(float)) : 0;
  const std::size_t slot_size = static_cast<std::size_t>(p.slot_floats) * sizeof(float);

  std::size_t end = 0;
  const auto place = [&end](std::size_t bytes) {
    const std::size_t begin = end;
    end += round_up(bytes);
    return begin;
  };
  p.bookkeeping_size = LeafTree::bookkeeping_size(p.units, p.slots);
  p.bookkeeping = place(p.bookkeeping_size);
  p.gamma = place(needs.own_gamma ? sums : 0);
  p.sums = place(static_cast<std::size_t>(p.slots) * slot_size);
  const bool blocks = problem.rows() > leaves * block_rows;
  const std::size_t row = columns * dtype_size(problem.dtype());
  const auto levels = static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(unit_leaves)));
  p.task_block = levels * slot_size;
  p.task_h = p.task_block + (blocks ? slot_size : 0);
  p.task_rows = p.task_h + (d.dx ? sums : 0);
  p.task_staging = p.task_rows + (needs.gather ? round_up(5 * row) : 0);
  p.task_scratch_size = p.task_staging + (needs.stream ? round_up(row + line) : 0);
  p.tasks_scratch = place(static_cast<std::size_t>(tasks) * p.task_scratch_size);
  p.workspace_size = end + line - 1;
  return p;
}

}  // namespace

Partition make_partition(const Problem& problem, int threads, const Needs& needs) noexcept {
  const std::int64_t leaves = leaf_count(problem.rows(), problem.columns());
  const std::int64_t worth = std::max<std::int64_t>(1, problem.bytes() / min_task_bytes);
  const std::size_t bound = workspace_bound + workspace_bound_per_column * static_cast<std::size_t>(problem.columns());
  const auto power_of_two = [](std::int64_t n) {
    return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(n, 1))));
  };
  for (auto tasks = static_cast<int>(std::min({std::int64_t{threads}, worth, leaves}));; --tasks) {
    if (tasks <= 1) {
      return lay_out(problem, 1, leaves, static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(leaves))),
                     needs);
    }
    // 32 units for each task even out what one of them loses to other work; of few leaves, up to eight together, so
    // that tasks do not pass slots to and fro: a slot that another core has written costs as much as the rows of a
    // leaf.
    std::int64_t unit =
        std::max(power_of_two(leaves / (32 * tasks)), power_of_two(std::min<std::int64_t>(8, leaves / (4 * tasks))));
    for (; unit > 0; unit /= 2) {
      const Partition partition = lay_out(problem, tasks, leaves, unit, needs);
      if (partition.workspace_size <= bound) return partition;
    }
  }
}

}  // namespace alng::cpu
