// Device and host memory, every block of it known.
#ifndef ALNG_CANN_RUNTIME_MEMORY_H
#define ALNG_CANN_RUNTIME_MEMORY_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>

#include "acl/acl_rt.h"
#include "runtime/answer.h"
#include "runtime/fork.h"

namespace alng::cann {

/// The device of host memory.
inline constexpr int host = -1;

/// One block; its memory lives as long as anybody holds it.
struct Block {
  std::byte* data;
  std::size_t size;
  int device;
  /// Of aclrtMapMem, not aclrtMalloc.
  bool mapped;
  /// What keeps the memory.
  std::shared_ptr<const void> keeper;
};

class Memory final : public Forked {
 public:
  Memory() { join(); }

  /// Refusals: no bytes, more bytes than the machine has, none left.
  Answer allocate(const char* function, std::size_t size, int device, void** pointer);

  /// `of_host`: a block of aclrtMallocHost is meant. Says what the pointer is where it is not the start of a live
  /// block.
  Answer release(const char* function, void* pointer, bool of_host);

  /// The block of `device` that holds all of these bytes, or one made of mapped blocks that follow each other; null
  /// where there is none. No bytes are held by any block that their address is in or at the end of.
  std::shared_ptr<Block> holding(const void* pointer, std::size_t size, int device) const;

  /// Whether any of these bytes is device memory.
  bool touches_device(const void* pointer, std::size_t size) const;

  /// What is at an address, in words: "is 16 bytes into a block of 64 bytes of device 0", "is not device memory", "was
  /// freed".
  std::string words(const void* pointer) const;

  /// Counts bytes as in use. Refuses more than the machine has.
  Answer take(const char* function, std::size_t size, int device);
  void give_back(std::size_t size, int device);

  /// A block of aclrtMapMem; it is counted elsewhere. `unmap` gives it back where it begins at `pointer`, else null.
  void map(std::shared_ptr<Block> block);
  std::shared_ptr<Block> unmap(const void* pointer);

  /// Frees all blocks of a device.
  void release_device(int device);

  /// Bytes in use on a device, and what the machine has.
  std::size_t used(int device) const;
  static std::size_t total();

  /// Blocks never freed by the program, live ones and those that release_device had to free, as lines of text; forgets
  /// the latter.
  std::string leaks();

  void before_fork() override { mutex_.lock(); }
  void in_parent() override { mutex_.unlock(); }
  void in_child() override;

 private:
  using Blocks = std::map<std::uintptr_t, std::shared_ptr<Block>>;
  static std::shared_ptr<Block> block_at(const Blocks& blocks, std::uintptr_t address);
  static bool touches_device(const Blocks& blocks, std::uintptr_t begin, std::uintptr_t last);
  bool was_freed(std::uintptr_t address) const;
  void remember_freed(std::uintptr_t address);

  mutable std::shared_mutex mutex_;
  Blocks blocks_;
  Blocks inherited_;  // by a child of fork, which must not use them
  std::map<int, std::size_t> used_;
  // For the words of a double free: the latest addresses given back, the oldest overwritten.
  std::array<std::uintptr_t, 64> freed_{};
  std::size_t freed_count_ = 0;
  std::size_t lost_blocks_ = 0;
  std::size_t lost_bytes_ = 0;
};

Memory& memory();

}  // namespace alng::cann

#endif
