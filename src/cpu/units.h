// Which task does which unit of a run: first its own part, in order, then what the others have left. So in every call
// the same thread does the same rows, as long as none falls behind, and finds in its core's cache what it left there:
// fetching a line that another core has written costs more than fetching it from memory.
#ifndef ALNG_CPU_UNITS_H
#define ALNG_CPU_UNITS_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "order/leaves.h"

namespace alng::impl::cpu {

class Units {
 public:
  /// Bytes of memory for so many tasks, aligned to 64.
  static constexpr std::size_t size(int tasks) noexcept { return static_cast<std::size_t>(tasks) * sizeof(Part); }

  Units(std::byte* memory, std::int64_t count, int tasks) noexcept
      : parts_(reinterpret_cast<Part*>(memory)), count_(count), tasks_(tasks) {
    for (int task = 0; task < tasks; ++task) new (&parts_[task]) Part{leaf_begin(task, count, tasks)};
  }

  /// The next unit for `task`, or the number of units where nobody has any left.
  std::int64_t next(int task) noexcept {
    for (int i = 0; i < tasks_; ++i) {
      const int owner = (task + i) % tasks_;
      const std::int64_t end = leaf_begin(owner + 1, count_, tasks_);
      std::atomic<std::int64_t>& next = parts_[owner].next;
      if (next.load(std::memory_order_relaxed) >= end) continue;
      const std::int64_t unit = next.fetch_add(1, std::memory_order_relaxed);
      if (unit < end) return unit;
    }
    return count_;
  }

 private:
  struct alignas(64) Part {
    std::atomic<std::int64_t> next;
  };

  Part* parts_;
  std::int64_t count_;
  int tasks_;
};

}  // namespace alng::impl::cpu

#endif
