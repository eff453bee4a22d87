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
  return line + round_up_to_line(taken_words(slots) * sizeof(std::uint64_t)) +
         round_up_to_line(static_cast<std::size_t>(pairs_of(units)) * sizeof(std::uint16_t));
}

int LeafTree::enough_slots(std::int64_t units, int tasks) noexcept {
  const int all = static_cast<int>(std::min<std::int64_t>(units, 1 << 15));
  return std::min(all, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(units))) + 1 + 2 * tasks);
}

LeafTree::LeafTree(std::int64_t units, int slots, std::byte* bookkeeping, float* slots_memory,
                   const SlotLayout& layout) noexcept
    : units_(units),
      slots_(slots),
      first_comer_(reinterpret_cast<std::uint16_t*>(bookkeeping + line +
                                                    round_up_to_line(taken_words(slots) * sizeof(std::uint64_t)))),
      taken_(reinterpret_cast<std::uint64_t*>(bookkeeping + line)),
      next_unit_(reinterpret_cast<std::int64_t*>(bookkeeping)),
      slots_memory_(slots_memory),
      layout_(layout) {}

std::int64_t LeafTree::next_unit() noexcept {
  const std::int64_t unit = std::atomic_ref(*next_unit_).fetch_add(1, std::memory_order_relaxed);
  return unit < units_ ? unit : units_;
}

int LeafTree::acquire() noexcept {
  for (std::size_t word = 0; word < taken_words(slots_); ++word) {
    const std::atomic_ref bits(taken_[word]);
    std::uint64_t seen = bits.load(std::memory_order_relaxed);
    while (true) {
      const int bit = std::countr_one(seen);
      const int slot = static_cast<int>(word) * 64 + bit;
      if (bit == 64 || slot >= slots_) break;
      // Acquire: the slot's last user is done with it.
      if (bits.compare_exchange_weak(seen, seen | (std::uint64_t{1} << bit), std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
        return slot;
      }
    }
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
