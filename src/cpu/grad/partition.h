// How a problem is divided among tasks, and what lies where in the workspace.
#ifndef ALNG_CPU_GRAD_PARTITION_H
#define ALNG_CPU_GRAD_PARTITION_H

#include <cstddef>
#include <cstdint>

#include "cpu/grad/leaf_tree.h"
#include "problem/problem.h"

namespace alng::impl::cpu {

/// Immutable; a pure function of the problem and the number of tasks wanted. Offsets are in bytes from the workspace's
/// first page boundary (workspace_alignment).
struct Partition {
  std::int64_t leaves = 0;
  int tasks = 1;
  /// Tasks take leaves in units of this many, a power of two: an aligned subtree of the leaf tree, whose sums stay with
  /// the task that does it.
  std::int64_t unit_leaves = 1;
  std::int64_t units = 0;
  /// Slots for the sums of whole units (leaf_tree.h).
  int slots = 0;
  SlotLayout slot;

  /// Which units are left (units.h), and of the tree of leaves.
  std::size_t tasks_units = 0;
  std::size_t bookkeeping = 0;
  std::size_t bookkeeping_size = 0;
  /// The kernels' copy of gamma, where they need one and tasks have none of their own.
  std::size_t gamma = 0;
  std::size_t slots_memory = 0;
  /// For each task, task_scratch_size bytes: a stack of slots for the levels within a unit, then at these distances its
  /// block sums, h, scratch rows, staging (kernels.h) and copy of gamma.
  std::size_t tasks_scratch = 0;
  std::size_t task_scratch_size = 0;
  std::size_t task_block = 0;
  std::size_t task_h = 0;
  std::size_t task_rows = 0;
  std::size_t task_staging = 0;
  std::size_t task_gamma = 0;
  /// All of it, and what it takes to find the boundary.
  std::size_t workspace_size = 0;
};

/// What a run needs beside the column sums.
struct Needs {
  /// Some tensor of the problem's size has rows that are not dense.
  bool gather;
  /// dx is written past the caches.
  bool stream;
  /// gamma is not dense float32 in the order of the kernels: one copy of it, or one for each task.
  bool copy_of_gamma;
  bool own_copies;
};

/// `threads` is at least 1.
Partition make_partition(const Problem& problem, int threads, const Needs& needs) noexcept;

}  // namespace alng::impl::cpu

#endif
