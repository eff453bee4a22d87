#include "operator/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

namespace alng::test {
namespace {

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

}  // namespace

Pages::Pages(std::size_t size) : size_((std::max<std::size_t>(size, 1) + page_size() - 1) / page_size() * page_size()) {
  mapped_ = size_ + 2 * page_size();
  void* memory = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mapping_ = static_cast<std::byte*>(memory);
  begin_ = mapping_ + page_size();
  if (mprotect(begin_, size_, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
}

Pages::~Pages() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_);
}

Pages::Pages(Pages&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_(other.mapped_),
      begin_(other.begin_),
      size_(other.size_) {}

InputMemory::InputMemory(const std::vector<std::byte>& contents, std::size_t element, Placement placement)
    : pages_(contents.size() + element) {
  switch (placement) {
    case Placement::end:
      data_ = pages_.end() - contents.size();
      break;
    case Placement::start:
      data_ = pages_.begin();
      break;
    case Placement::offset_by_one:
      data_ = pages_.begin() + element;
      break;
  }
  if (!contents.empty()) std::memcpy(data_, contents.data(), contents.size());
}

OutputMemory::OutputMemory(const std::vector<std::byte>& contents, std::size_t alignment, std::size_t offset)
    : size_(contents.size()), bytes_(2 * guard_bytes + alignment + offset + size_, guard_value) {
  const auto behind_guard = reinterpret_cast<std::uintptr_t>(bytes_.data()) + guard_bytes;
  begin_ = guard_bytes + (alignment - behind_guard % alignment) % alignment + offset;
  std::copy(contents.begin(), contents.end(), data());
}

std::string OutputMemory::damage() const {
  const auto is_guard = [](std::byte b) { return b == guard_value; };
  const auto first = bytes_.begin() + static_cast<std::ptrdiff_t>(begin_);
  const auto last = first + static_cast<std::ptrdiff_t>(size_);
  if (!std::all_of(bytes_.begin(), first, is_guard)) return "written before its first byte";
  if (!std::all_of(last, bytes_.end(), is_guard)) return "written behind its last byte";
  return {};
}

namespace {

void expect(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

}  // namespace

MemoryOnDevice::MemoryOnDevice(Memory memory, const std::vector<std::byte>& contents, std::size_t offset)
    : memory_(memory), host_(contents, 1, offset) {
  const Result<void*> begin = memory.allocate(host_.with_guards().size());
  expect(begin.status());
  begin_ = begin.value();
  expect(memory.upload(begin_, host_.with_guards().data(), host_.with_guards().size()));
}

void MemoryOnDevice::fetch() {
  expect(memory_.download(host_.with_guards().data(), begin_, host_.with_guards().size()));
}

}  // namespace alng::test
