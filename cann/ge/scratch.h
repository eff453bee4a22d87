// Memory for what nodes hand to each other: where each value lies, and the blocks that runs take for it.
#ifndef ALNG_CANN_GE_SCRATCH_H
#define ALNG_CANN_GE_SCRATCH_H

#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

#include "ge/aligned_memory.h"

namespace alng::cann::engine {

/// Gives out places in a block whose size is what is needed at most at once: the smallest gap that is large enough,
/// else more room at the end.
class ScratchPlan {
 public:
  /// Throws std::bad_alloc where the block would have 2^63 bytes or more.
  std::size_t take(std::size_t bytes);
  void give_back(std::size_t at, std::size_t bytes);
  std::size_t size() const { return size_; }

 private:
  std::map<std::size_t, std::size_t> gaps_;  // place -> bytes; none touches another
  std::size_t size_ = 0;
};

/// Blocks that were used and may be used again: the first touch of memory costs more than many a node.
class ScratchPool {
 public:
  struct Block {
    AlignedMemory memory;
    std::size_t size = 0;
  };
  /// Throws std::bad_alloc.
  Block take(std::size_t bytes);
  void give_back(Block block);

 private:
  // As many as there are runs at once in most programs.
  static constexpr std::size_t kept = 4;
  std::mutex mutex_;
  std::vector<Block> free_;
};

}  // namespace alng::cann::engine

#endif
