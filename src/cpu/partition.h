// How a problem is divided among tasks, and what lies where in the workspace.
#ifndef ALNG_CPU_PARTITION_H
#define ALNG_CPU_PARTITION_H

#include <cstddef>
#include <cstdint>

#include "alng/problem.hpp"

namespace alng::cpu {

/// Immutable; a pure function of the problem and the number of tasks wanted. Offsets are in bytes from the workspace's first
/// 64-byte boundary.
struct Partition {
  std::int64_t leaves = 0;
  int tasks = 1;
  /// Slots for column sums (leaf_tree.h), of `slot_floats` floats: dgamma's and dbeta's, as far as they are wanted, each padded to whole lines.
  int slots = 0;
  std::int64_t slot_floats = 0;
  /// Floats between the sums of dgamma and those of dbeta within a slot.
  std::int64_t dbeta_offset = 0;

  std::size_t bookkeeping = 0;
  std::size_t bookkeeping_size = 0;
  /// gamma as dense float32, where it is not that already.
  std::size_t gamma = 0;
  std::size_t sums = 0;
  /// For each task: its block sums, then its scratch rows.
  std::size_t tasks_scratch = 0;
  std::size_t task_scratch_size = 0;
  std::size_t task_rows = 0;
  /// All of it, and 63 bytes to find the boundary.
  std::size_t workspace_size = 0;
};

/// `threads` is at least 1. `dense`: all tensors of the problem's size have dense rows.
Partition make_partition(const Problem& problem, int threads, bool dense) noexcept;

}  // namespace alng::cpu

#endif
