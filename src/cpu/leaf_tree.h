// The upper levels of the tree that leaves' column sums are combined in, from units (partition.h) up, filled in
// whatever order units are done: adjacent nodes pair up, level by level, an odd last one passes up unchanged. Whoever
// finishes the second node of a pair adds the two and goes on with the sum, so nobody waits for anybody, and no lock is
// taken. Which of two threads adds does not matter: a + b is b + a.
#ifndef ALNG_CPU_LEAF_TREE_H
#define ALNG_CPU_LEAF_TREE_H

#include <cstddef>
#include <cstdint>

#include "cpu/kernels.h"

namespace alng::cpu {

/// Sums live in slots of the workspace, fewer than there are units: a unit takes one before it begins, each addition
/// frees one.
class LeafTree {
 public:
  /// The bookkeeping of a tree: bytes of zeroed memory it needs, aligned to 64.
  static std::size_t bookkeeping_size(std::int64_t units, int slots) noexcept;
  /// Slots with which a task hardly ever has to stop for want of one, and the last task never: one at work and one
  /// pending for each task, and one for every level.
  static int enough_slots(std::int64_t units, int tasks) noexcept;

  /// `bookkeeping` is zeroed; `sums` holds `slots` times `slot_floats` floats.
  LeafTree(std::int64_t units, int slots, std::byte* bookkeeping, float* sums, std::int64_t slot_floats) noexcept;

  /// The next unit nobody has begun, or `units` where there is none left.
  std::int64_t next_unit() noexcept;
  /// A free slot, or -1.
  int acquire() noexcept;
  void release(int slot) noexcept;
  float* sums(int slot) const noexcept { return sums_ + slot * slot_floats_; }

  /// The sums of `unit` are in `slot`. Adds what can be added with `add`. The slot that holds the sum of all units, for
  /// the caller who completed it; -1 for everybody else, whose slot is then the tree's.
  int complete(std::int64_t unit, int slot, AddFunction add) noexcept;

 private:
  std::int64_t units_;
  int slots_;
  // Zero: nobody has come yet; else 1 + the slot of the node that came first. One for each pair, level by level.
  std::uint16_t* first_comer_;
  // A bit for each slot: set while it is taken.
  std::uint64_t* taken_;
  std::int64_t* next_unit_;
  float* sums_;
  std::int64_t slot_floats_;
};

}  // namespace alng::cpu

#endif
