#include "cpu/partition.h"

#include <algorithm>

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

Partition lay_out(const Problem& problem, int tasks, int slots, std::int64_t leaves, const Needs& needs) noexcept {
  const ProblemDescription& d = problem.description();
  const std::size_t columns = static_cast<std::size_t>(problem.columns());
  const std::size_t sums = static_cast<std::size_t>(padded(problem.columns())) * sizeof(float);
  const int sums_wanted = (d.dgamma ? 1 : 0) + (d.dbeta ? 1 : 0);

  Partition p;
  p.leaves = leaves;
  p.tasks = tasks;
  p.slots = sums_wanted == 0 ? 0 : slots;
  p.slot_floats = static_cast<std::int64_t>(sums_wanted * sums / sizeof(float));
  p.dbeta_offset = d.dgamma ? static_cast<std::int64_t>(sums / sizeof(float)) : 0;
  const std::size_t slot_size = static_cast<std::size_t>(p.slot_floats) * sizeof(float);

  std::size_t end = 0;
  const auto place = [&end](std::size_t bytes) {
    const std::size_t begin = end;
    end += round_up(bytes);
    return begin;
  };
  p.bookkeeping_size = LeafTree::bookkeeping_size(leaves, p.slots);
  p.bookkeeping = place(p.bookkeeping_size);
  p.gamma = place(needs.own_gamma ? sums : 0);
  p.sums = place(static_cast<std::size_t>(p.slots) * slot_size);
  const bool blocks = problem.rows() > leaves * block_rows;
  const std::size_t row = columns * dtype_size(problem.dtype());
  p.task_h = blocks ? slot_size : 0;
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
  int tasks = static_cast<int>(std::min({static_cast<std::int64_t>(threads), worth, std::max<std::int64_t>(leaves, 1)}));
  const std::size_t bound = workspace_bound + workspace_bound_per_column * static_cast<std::size_t>(problem.columns());
  for (;; --tasks) {
    // Each task keeps a slot at work and up to a level's worth of others pending where it falls behind; with fewer slots tasks
    // may have to stop early, never the last one.
    const int least = LeafTree::min_slots(leaves) + 2 * (tasks - 1);
    Partition best = lay_out(problem, tasks, least, leaves, needs);
    if (best.workspace_size > bound && tasks > 1) continue;
    for (int slots = least + tasks; slots <= 8 * tasks + LeafTree::min_slots(leaves); slots += tasks) {
      const Partition larger = lay_out(problem, tasks, slots, leaves, needs);
      if (tasks == 1 || larger.workspace_size > bound) break;
      best = larger;
    }
    return best;
  }
}

}  // namespace alng::cpu
