// The tree that leaves' column sums are combined in, filled in whatever order the leaves are done: adjacent nodes pair up,
// level by level, an odd last one passes up unchanged. Whoever finishes the second node of a pair adds the two and goes
// on with the sum, so nobody waits for anybody, and no lock is taken. Which of two threads adds does not matter: a + b is b + a.
#ifndef ALNG_CPU_LEAF_TREE_H
#define ALNG_CPU_LEAF_TREE_H

#include <cstddef>
#include <cstdint>

#include "cpu/kernels.h"

namespace alng::cpu {

/// Sums live in slots, fewer than there are leaves: a leaf takes one before it begins, each addition frees one. In the workspace.
class LeafTree {
 public:
  /// The bookkeeping of a tree: bytes of zeroed memory it needs, aligned to 64.
  static std::size_t bookkeeping_size(std::int64_t leaves, int slots) noexcept;
  /// The fewest slots with which one task alone can always go on: a pending node for every level, one leaf at work and the one just added.
  static int min_slots(std::int64_t leaves) noexcept;

  /// `bookkeeping` is zeroed; `sums` holds `slots` times `slot_floats` floats.
  LeafTree(std::int64_t leaves, int slots, std::byte* bookkeeping, float* sums, std::int64_t slot_floats) noexcept;

  /// The next leaf nobody has begun, or `leaves` where there is none left.
  std::int64_t next_leaf() noexcept;
  /// A free slot, or -1.
  int acquire() noexcept;
  void release(int slot) noexcept;
  float* sums(int slot) const noexcept { return sums_ + slot * slot_floats_; }

  /// Leaf `leaf` is in `slot`. Adds what can be added with `add` over `floats` values. The slot that holds the sum of all
  /// leaves, for the caller who completed it; -1 for everybody else, whose slot is then the tree's.
  int complete(std::int64_t leaf, int slot, AddFunction add) noexcept;

 private:
  std::int64_t leaves_;
  int slots_;
  // Zero: nobody has come yet; else 1 + the slot of the node that came first. One for each pair, level by level.
  std::uint16_t* first_comer_;
  // A bit for each slot: set while it is taken.
  std::uint64_t* taken_;
  std::int64_t* next_leaf_;
  float* sums_;
  std::int64_t slot_floats_;
};

}  // namespace alng::cpu

#endif
