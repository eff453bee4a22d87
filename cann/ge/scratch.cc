#include "ge/scratch.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

namespace alng::cann::engine {
namespace {

// Sizes of single tensors fit in 63 bits, sums of them need not.
constexpr std::size_t most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());

std::size_t rounded(std::size_t bytes) {
  if (bytes > most - element_alignment) throw std::bad_alloc();
  return (bytes + element_alignment - 1) / element_alignment * element_alignment;
}

}  // namespace

std::size_t ScratchPlan::take(std::size_t bytes) {
  bytes = rounded(bytes);
  auto best = gaps_.end();
  for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
    if (gap->second >= bytes && (best == gaps_.end() || gap->second < best->second)) best = gap;
  }
  if (best == gaps_.end()) {
    // A gap at the end is grown.
    const auto last = gaps_.empty() ? gaps_.end() : std::prev(gaps_.end());
    const bool at_end = last != gaps_.end() && last->first + last->second == size_;
    const std::size_t at = at_end ? last->first : size_;
    if (bytes > most - at) throw std::bad_alloc();
    if (at_end) gaps_.erase(last);
    size_ = at + bytes;
    return at;
  }
  const auto [at, room] = *best;
  gaps_.erase(best);
  if (room > bytes) gaps_.emplace(at + bytes, room - bytes);
  return at;
}

void ScratchPlan::give_back(std::size_t at, std::size_t bytes) {
  bytes = rounded(bytes);
  if (bytes == 0) return;
  auto gap = gaps_.emplace(at, bytes).first;
  if (const auto after = std::next(gap); after != gaps_.end() && at + bytes == after->first) {
    gap->second += after->second;
    gaps_.erase(after);
  }
  if (gap == gaps_.begin()) return;
  const auto before = std::prev(gap);
  if (before->first + before->second != at) return;
  before->second += gap->second;
  gaps_.erase(gap);
}

ScratchPool::Block ScratchPool::take(std::size_t bytes) {
  if (bytes == 0) return {};
  {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(free_.begin(), free_.end(), [bytes](const Block& block) { return block.size >= bytes; });
    if (found != free_.end()) {
      Block block = std::move(*found);
      free_.erase(found);
      return block;
    }
  }
  return {allocate_aligned(bytes), bytes};
}

void ScratchPool::give_back(Block block) {
  if (block.memory == nullptr) return;
  const std::lock_guard lock(mutex_);
  if (free_.size() == kept) {
    // The smallest goes: shapes that grow would else keep blocks that nobody can use.
    const auto smallest =
        std::min_element(free_.begin(), free_.end(), [](const Block& a, const Block& b) { return a.size < b.size; });
    if (smallest->size >= block.size) return;
    free_.erase(smallest);
  }
  free_.push_back(std::move(block));
}

}  // namespace alng::cann::engine
