#include "cpu/grad/leaf_tree.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "order/leaves.h"

namespace alng::impl::cpu {
namespace {

constexpr std::size_t line = 64;

std::size_t round_up_to_line(std::size_t bytes) noexcept { return (bytes + line - 1) / line * line; }

// Pairs of all levels together.
std::int64_t pairs_of(std::int64_t units) noexcept {
  std::int64_t pairs = 0;
  for (std::int64_t nodes = units; nodes > 1; nodes = nodes_above(nodes)) pairs += nodes_above(nodes);
  return pairs;
}

std::size_t taken_words(int slots) noexcept { return (static_cast<std::size_t>(slots) + 63) / 64; }

}  // namespace

std::size_t LeafTree::bookkeeping_size(std::int64_t units, int slots) noexcept {
  return round_up_to_line(taken_words(slots) * sizeof(std::uint64_t)) +
         round_up_to_line(static_cast<std::size_t>(pairs_of(units)) * sizeof(std::uint16_t));
}

int LeafTree::enough_slots(std::int64_t units, int tasks) noexcept {
  const auto of_each = static_cast<std::uint64_t>((units + tasks - 1) / tasks);
  const std::int64_t enough = tasks * (2 * std::bit_width(of_each) + 1) + 1;
  return static_cast<int>(std::min({units, enough, std::int64_t{1} << 15}));
}

LeafTree::LeafTree(std::int64_t units, int slots, std::byte* bookkeeping, float* slots_memory,
                   const SlotLayout& layout) noexcept
    : units_(units),
      slots_(slots),
      first_comer_(
          reinterpret_cast<std::uint16_t*>(bookkeeping + round_up_to_line(taken_words(slots) * sizeof(std::uint64_t)))),
      taken_(reinterpret_cast<std::uint64_t*>(bookkeeping)),
      slots_memory_(slots_memory),
      layout_(layout) {}

int LeafTree::acquire(int first) noexcept {
  for (int i = 0; i < slots_; ++i) {
    const int slot = (first + i) % slots_;
    const std::atomic_ref bits(taken_[slot / 64]);
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if ((bits.load(std::memory_order_relaxed) & bit) != 0) continue;
    // Acquire: the slot's last user is done with it.
    if ((bits.fetch_or(bit, std::memory_order_acquire) & bit) == 0) return slot;
  }
  return -1;
}

void LeafTree::release(int slot) noexcept {
  std::atomic_ref(taken_[slot / 64]).fetch_and(~(std::uint64_t{1} << (slot % 64)), std::memory_order_release);
}

int LeafTree::complete(std::int64_t unit, int slot, AddFunction add) noexcept {
  std::uint16_t* level = first_comer_;
  std::int64_t node = unit;
  for (std::int64_t nodes = units_; nodes > 1; nodes = nodes_above(nodes), node /= 2) {
    if (has_neighbour(node, nodes)) {
      // Release our sums to the one who comes second; acquire theirs where we do.
      const std::uint16_t first =
          std::atomic_ref(level[node / 2]).exchange(static_cast<std::uint16_t>(slot + 1), std::memory_order_acq_rel);
      if (first == 0) return -1;
      const int other = first - 1;
      layout_.add(add, at(slot), at(other));
      release(other);
    }
    level += nodes_above(nodes);
  }
  return slot;
}

}  // namespace alng::impl::cpu
