#include "cpu/grad/partition.h"

#include <algorithm>
#include <bit>

#include "cpu/grad/kernels.h"
#include "cpu/grad/leaf_tree.h"
#include "cpu/units.h"
#include "order/leaves.h"

namespace alng::impl::cpu {
namespace {

// The arrays that every step of a sweep stores to are kept apart within a page (workspace_alignment): h at its
// beginning, the sums a third of a page each behind it, which is 21 steps of 64 bytes and more stores than are ever in
// flight. With both sums at the same place of a page, 256x1024 took 0.44 to 0.60 instead of 0.26 ns an element on
// Zen 4.
constexpr std::size_t dgamma_in_page = 1344;
constexpr std::size_t dbeta_in_page = 2688;

std::int64_t ceil_divide(std::int64_t n, std::int64_t by) noexcept { return (n + by - 1) / by; }

Partition lay_out(const Problem& problem, int tasks, std::int64_t leaves, std::int64_t unit_leaves,
                  const Needs& needs) noexcept {
  const std::size_t sums = static_cast<std::size_t>(padded(problem.columns())) * sizeof(float);
  Partition p;
  p.leaves = leaves;
  p.tasks = tasks;
  p.unit_leaves = unit_leaves;
  p.units = ceil_divide(leaves, unit_leaves);
  p.slots = problem.has(grad::dgamma) || problem.has(grad::dbeta) ? LeafTree::enough_slots(p.units, tasks) : 0;
  std::size_t slot_size = 0;
  p.slot.padded_columns = padded(problem.columns());
  const auto place_sums = [&](std::size_t in_page) {
    const std::size_t begin = place_in_page(slot_size, in_page);
    slot_size = begin + sums;
    return static_cast<std::int64_t>(begin / sizeof(float));
  };
  if (problem.has(grad::dgamma)) p.slot.dgamma = place_sums(dgamma_in_page);
  if (problem.has(grad::dbeta)) p.slot.dbeta = place_sums(dbeta_in_page);
  slot_size = round_up(slot_size, workspace_alignment);
  p.slot.size = static_cast<std::int64_t>(slot_size / sizeof(float));

  std::size_t end = 0;
  const auto place = [&end](std::size_t bytes) {
    const std::size_t begin = end;
    end += round_up(bytes);
    return begin;
  };
  p.tasks_units = place(Units::size(tasks));
  p.bookkeeping_size = LeafTree::bookkeeping_size(p.units, p.slots);
  p.bookkeeping = place(p.bookkeeping_size);
  p.gamma = place(needs.copy_of_gamma && !needs.own_copies ? sums : 0);
  end = round_up(end, workspace_alignment);
  p.slots_memory = place(static_cast<std::size_t>(p.slots) * slot_size);
  const bool blocks = problem.rows() > leaves * block_rows;
  const std::size_t row = row_bytes(problem);
  const auto levels = static_cast<std::size_t>(std::countr_zero(static_cast<std::uint64_t>(unit_leaves)));
  p.task_block = levels * slot_size;
  p.task_h = p.task_block + (blocks ? slot_size : 0);
  p.task_rows = p.task_h + (problem.has(grad::dx) ? sums : 0);
  p.task_staging = p.task_rows + (needs.gather ? round_up(5 * row) : 0);
  p.task_gamma = p.task_staging + (needs.stream ? Staging::size_for(row) : 0);
  p.task_scratch_size = round_up(p.task_gamma + (needs.copy_of_gamma && needs.own_copies ? sums : 0),
                                 p.slots > 0 ? workspace_alignment : line_bytes);
  p.tasks_scratch = place(static_cast<std::size_t>(tasks) * p.task_scratch_size);
  p.workspace_size = end + workspace_alignment - 1;
  return p;
}

}  // namespace

Partition make_partition(const Problem& problem, int threads, const Needs& needs) noexcept {
  const std::int64_t leaves = leaf_count(problem.rows(), problem.columns());
  const auto power_of_two = [](std::int64_t n) {
    return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(n, 1))));
  };
  for (auto tasks = static_cast<int>(std::min<std::int64_t>(threads, leaves));; --tasks) {
    // Fewer tasks where none then does more: of 128 leaves, 103 tasks would do two at most, and so do 64.
    if (tasks > 1) tasks = static_cast<int>(ceil_divide(leaves, ceil_divide(leaves, tasks)));
    if (tasks <= 1) {
      return lay_out(problem, 1, leaves, static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(leaves))),
                     needs);
    }
    // 32 units for each task even out what one of them loses to other work; of few leaves, up to eight together, so
    // that tasks do not pass slots to and fro: a slot that another core has written costs as much as the rows of a
    // leaf. The largest share is at most a sixteenth larger than an even one, where that can be had: 132 units of
    // 65,536 rows would make 32 tasks wait for those that do 5 and not 4.
    std::int64_t unit = std::max(power_of_two(leaves / (32 * tasks)), std::int64_t{8});
    const auto largest_share = [&] { return ceil_divide(ceil_divide(leaves, unit), tasks) * unit; };
    while (unit > 1 && 16 * largest_share() * tasks > 17 * leaves) unit /= 2;
    for (; unit > 0; unit /= 2) {
      const Partition partition = lay_out(problem, tasks, leaves, unit, needs);
      if (partition.workspace_size <= workspace_bound(problem.columns(), tasks)) return partition;
    }
  }
}

}  // namespace alng::impl::cpu
