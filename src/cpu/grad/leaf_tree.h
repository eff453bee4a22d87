// The upper levels of the tree of leaves (src/order/leaves.h), from units (partition.h) up, filled in whatever order
// units are done. The task that finishes the second node of a pair adds the two and goes on with the sum, so no task
// waits for another, and no lock is taken. Which of two tasks adds does not matter: a + b is b + a.
#ifndef ALNG_CPU_GRAD_LEAF_TREE_H
#define ALNG_CPU_GRAD_LEAF_TREE_H

#include <cstddef>
#include <cstdint>

#include "cpu/grad/kernels.h"

namespace alng::impl::cpu {

/// Where the sums of dgamma and dbeta lie in a slot; offsets in floats, -1 where not wanted.
struct SlotLayout {
  /// From one slot to the next, in floats.
  std::int64_t size = 0;
  std::int64_t dgamma = -1;
  std::int64_t dbeta = -1;
  /// Values of each, with their padding.
  std::int64_t padded_columns = 0;

  Sums sums(float* slot) const noexcept {
    return {dgamma >= 0 ? slot + dgamma : nullptr, dbeta >= 0 ? slot + dbeta : nullptr};
  }
  /// slot += other
  void add(AddFunction add_columns, float* slot, const float* other) const noexcept {
    if (dgamma >= 0) add_columns(slot + dgamma, other + dgamma, padded_columns);
    if (dbeta >= 0) add_columns(slot + dbeta, other + dbeta, padded_columns);
  }
};

/// Sums live in slots of the workspace, fewer than there are units: a unit takes one before it begins, each addition
/// frees one.
class LeafTree {
 public:
  /// The bookkeeping of a tree: bytes of zeroed memory it needs, aligned to 64.
  static std::size_t bookkeeping_size(std::int64_t units, int slots) noexcept;
  /// Slots with which a task hardly ever has to stop for want of one, and the last task never: for each task one at
  /// work, and what is pending of its part (units.h), at most two sums at every level.
  static int enough_slots(std::int64_t units, int tasks) noexcept;

  /// `bookkeeping` is zeroed; `slots_memory` holds `slots` slots.
  LeafTree(std::int64_t units, int slots, std::byte* bookkeeping, float* slots_memory,
           const SlotLayout& layout) noexcept;

  /// A free slot, the first from `first` on and then from 0, or -1.
  int acquire(int first) noexcept;
  void release(int slot) noexcept;
  float* at(int slot) const noexcept { return slots_memory_ + slot * layout_.size; }

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
  float* slots_memory_;
  SlotLayout layout_;
};

}  // namespace alng::impl::cpu

#endif
