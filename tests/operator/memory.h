// Memory that notices what it should not be used for.
#ifndef ALNG_TESTS_OPERATOR_MEMORY_H
#define ALNG_TESTS_OPERATOR_MEMORY_H

#include <cstddef>
#include <string>
#include <vector>

#include "alng/memory.hpp"

namespace alng::test {

/// Pages of their own between two that cannot be touched.
class Pages {
 public:
  explicit Pages(std::size_t size);
  ~Pages();
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) = delete;
  std::byte* begin() const { return begin_; }
  std::byte* end() const { return begin_ + size_; }

 private:
  std::byte* mapping_;
  std::size_t mapped_;
  std::byte* begin_;
  std::size_t size_;
};

/// Where an input lies in its pages. Reading one byte outside of it on the named side is a fault.
enum class Placement {
  /// Its last byte is the last before a page that cannot be read.
  end,
  /// Its first byte is the first of a page.
  start,
  /// One element behind the first byte of a page: aligned to the element and no more.
  offset_by_one,
};

/// A copy of `contents` for the library to read, and perhaps (dx in place) to write.
class InputMemory {
 public:
  InputMemory(const std::vector<std::byte>& contents, std::size_t element, Placement placement);
  std::byte* data() const { return data_; }

 private:
  Pages pages_;
  std::byte* data_;
};

/// A copy of `contents` for the library to write, with guard zones before and behind. Its first byte lies `offset`
/// bytes behind a multiple of `alignment`.
class OutputMemory {
 public:
  OutputMemory(const std::vector<std::byte>& contents, std::size_t alignment, std::size_t offset);
  std::byte* data() { return bytes_.data() + begin_; }
  std::size_t size() const { return size_; }
  /// What was written outside, in words; empty: nothing.
  std::string damage() const;

  /// All of it, guards too, and where the data begins in that.
  std::vector<std::byte>& with_guards() { return bytes_; }
  std::size_t offset() const { return begin_; }

 private:
  // Eight vectors of 64 bytes: a store that is late by one unrolled step of a loop still lands inside.
  static constexpr std::size_t guard_bytes = 512;
  static constexpr std::byte guard_value{0xA5};
  std::size_t size_;
  std::vector<std::byte> bytes_;
  std::size_t begin_;
};

/// A copy of `contents` in a device's own memory, `offset` bytes behind a multiple of 256, with guard zones.
class MemoryOnDevice {
 public:
  MemoryOnDevice(Memory memory, const std::vector<std::byte>& contents, std::size_t offset);
  ~MemoryOnDevice() { memory_.free(begin_); }
  MemoryOnDevice(const MemoryOnDevice&) = delete;
  MemoryOnDevice& operator=(const MemoryOnDevice&) = delete;
  /// The device's address.
  std::byte* data() const { return static_cast<std::byte*>(begin_) + host_.offset(); }
  std::size_t size() const { return host_.size(); }
  /// Waits for all runs and looks at what is there now: `damage` and the address on the host.
  void fetch();
  std::byte* fetched() { return host_.data(); }
  std::string damage() const { return host_.damage(); }

 private:
  Memory memory_;
  OutputMemory host_;
  void* begin_ = nullptr;
};

}  // namespace alng::test

#endif
