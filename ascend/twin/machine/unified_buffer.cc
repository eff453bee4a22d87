#include "machine/unified_buffer.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace alng::twin {

const char* pipe_name(Pipe pipe) {
  switch (pipe) {
    case Pipe::scalar:
      return "S";
    case Pipe::vector:
      return "V";
    case Pipe::mte2:
      return "MTE2";
    case Pipe::mte3:
      return "MTE3";
  }
  return "?";
}

// Pages come as zeros and only where they are touched: a small problem on 72 cores touches little of 72 buffers.
UnifiedBuffer::UnifiedBuffer() {
  memory_size_ = bytes + bytes + (3 * pipe_count + 1) * granules * sizeof(std::int32_t);
  void* memory =
      mmap(nullptr, memory_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  data_ = memory_;
  written_ = reinterpret_cast<std::uint8_t*>(memory_ + bytes);
  taken_ = 2 * bytes;
  stored_ = take();
  for (Numbers& numbers : readers_) numbers = take();
  for (Numbers& numbers : readers_before_) numbers = take();
  for (Numbers& numbers : writers_) numbers = take();
}

UnifiedBuffer::~UnifiedBuffer() {
  munmap(memory_, memory_size_);
  if (watched_ != nullptr) munmap(watched_, bytes);
}

std::byte* UnifiedBuffer::watched() {
  if (watched_ == nullptr) {
    void* memory = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    watched_ = static_cast<std::byte*>(memory);
  }
  return watched_;
}

void UnifiedBuffer::open_watched() {
  mprotect(watched_, bytes, PROT_READ | PROT_WRITE);
  std::memcpy(watched_, data_, bytes);
}

void UnifiedBuffer::close_watched() { mprotect(watched_, bytes, PROT_NONE); }

UnifiedBuffer::Numbers UnifiedBuffer::take() {
  auto* numbers = reinterpret_cast<Numbers>(memory_ + taken_);
  taken_ += granules * sizeof(std::int32_t);
  return numbers;
}

UnifiedBuffer::Conflict UnifiedBuffer::find(Pipe mine, std::int32_t number, const Clock& known, std::uint32_t first,
                                            std::uint32_t last, bool write) const {
  const auto& noted = write ? writers_ : readers_;
  for (int p = 0; p < pipe_count; ++p) {
    const auto pipe = static_cast<std::size_t>(p);
    const std::int32_t bound = known[pipe];
    if (bound == issued[pipe]) continue;
    const std::int32_t own = p == static_cast<int>(mine) ? number : -1;
    const std::int32_t* const numbers = noted[pipe];
    // Where it has written it was held against all writes before; that it has read says nothing of other reads.
    const auto number_at = [&](std::uint32_t i) {
      return numbers[i] != own ? numbers[i] : write ? 0 : readers_before_[pipe][i];
    };
    int unordered = 0;
    for (std::uint32_t i = first; i < last; ++i) unordered |= number_at(i) > bound;
    if (unordered == 0) continue;
    for (std::uint32_t i = first; i < last; ++i) {
      if (number_at(i) > bound) return {p, number_at(i), write, i * granule};
    }
  }
  return {};
}

UnifiedBuffer::Conflict UnifiedBuffer::read(Pipe reader, std::int32_t number, const Clock& known, std::uint32_t offset,
                                            std::uint32_t length) {
  const std::uint32_t first = offset / granule;
  const std::uint32_t last = (offset + length + granule - 1) / granule;
  const Conflict conflict = find(reader, number, known, first, last, true);
  const Numbers readers = readers_[static_cast<std::size_t>(reader)];
  const Numbers before = readers_before_[static_cast<std::size_t>(reader)];
  for (std::uint32_t i = first; i < last; ++i) {
    before[i] = readers[i] == number ? before[i] : readers[i];
    readers[i] = number;
  }
  return conflict;
}

UnifiedBuffer::Conflict UnifiedBuffer::write(Pipe writer, std::int32_t number, const Clock& known, std::uint32_t offset,
                                             std::uint32_t length) {
  const std::uint32_t first = offset / granule;
  const std::uint32_t last = (offset + length + granule - 1) / granule;
  Conflict conflict = find(writer, number, known, first, last, true);
  if (conflict.pipe < 0) conflict = find(writer, number, known, first, last, false);
  std::fill(writers_[static_cast<std::size_t>(writer)] + first, writers_[static_cast<std::size_t>(writer)] + last,
            number);
  return conflict;
}

std::uint32_t UnifiedBuffer::first_unwritten(std::uint32_t offset, std::uint32_t length) const {
  const void* found = std::memchr(written_ + offset, 0, length);
  return found == nullptr ? offset + length
                          : static_cast<std::uint32_t>(static_cast<const std::uint8_t*>(found) - written_);
}

void UnifiedBuffer::set_written(std::uint32_t offset, std::uint32_t length) {
  std::memset(written_ + offset, 1, length);
}

void UnifiedBuffer::forget(std::uint32_t offset, std::uint32_t length) {
  std::memset(written_ + offset, 0, length);
  std::memset(data_ + offset, 0xFF, length);
}

bool UnifiedBuffer::stored_in(std::int32_t segment, std::uint32_t offset, std::uint32_t length) const {
  int found = 0;
  for (std::uint32_t i = offset / granule; i < (offset + length + granule - 1) / granule; ++i) {
    found |= stored_[i] == segment;
  }
  return found != 0;
}

void UnifiedBuffer::set_stored_in(std::int32_t segment, std::uint32_t offset, std::uint32_t length) {
  std::fill(stored_ + offset / granule, stored_ + (offset + length + granule - 1) / granule, segment);
}

}  // namespace alng::twin
