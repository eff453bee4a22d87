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

namespace alng::cann {

/// The device of host memory.
inline constexpr int host = -1;

/// One block; its memory lives as long as anybody holds it.
struct Block {
  Block(std::size_t bytes, int of_device);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::byte* data;
  std::size_t size;
  int device;
};

class Memory {
 public:
  /// Refusals: no bytes, more bytes than the machine has, none left.
  Answer allocate(const char* function, std::size_t size, int device, void** pointer);

  /// `of_host`: a block of aclrtMallocHost is meant. Says what the pointer is where it is not the start of a live
  /// block.
  Answer release(const char* function, void* pointer, bool of_host);

  /// The block of `device` that holds all of these bytes; null where there is none. No bytes are held by any block that
  /// their address is in or at the end of.
  std::shared_ptr<Block> holding(const void* pointer, std::size_t size, int device) const;

  /// Whether any of these bytes is device memory.
  bool touches_device(const void* pointer, std::size_t size) const;

  /// What is at an address, in words: "is 16 bytes into a block of 64 bytes of device 0", "is not device memory", "was
  /// freed".
  std::string words(const void* pointer) const;

  /// Frees all blocks of a device.
  void release_device(int device);

  /// Bytes in use on a device, and what the machine has.
  std::size_t used(int device) const;
  static std::size_t total();

  /// Blocks never freed by the program, live ones and those that release_device had to free, as lines of text; forgets
  /// the latter.
  std::string leaks();

 private:
  std::shared_ptr<Block> block_at(std::uintptr_t address) const;
  bool was_freed(std::uintptr_t address) const;
  void remember_freed(std::uintptr_t address);

  mutable std::shared_mutex mutex_;
  std::map<std::uintptr_t, std::shared_ptr<Block>> blocks_;
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
