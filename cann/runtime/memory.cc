#include "runtime/memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <new>

namespace alng::cann {
namespace {

// A cache line and the widest vector.
constexpr std::size_t alignment = 64;

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

std::string hex(std::uintptr_t address) {
  std::array<char, 2 * sizeof address> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), address, 16).ptr;
  return std::string("0x").append(digits.data(), end);
}

std::string place(int device) { return device == host ? "the host" : "device " + std::to_string(device); }

}  // namespace

Block::Block(std::size_t bytes, int of_device)
    : data(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{alignment}))),
      size(bytes),
      device(of_device) {}

Block::~Block() { ::operator delete (data, std::align_val_t{alignment}); }

Answer Memory::allocate(const char* function, std::size_t size, int device, void** pointer) {
  if (size == 0) return invalid(std::string(function) + ": size is 0 but must be at least 1");
  // The system would promise more than it has and end the program when it is touched.
  const std::size_t in_use = used(device);
  if (size > total() || in_use > total() - size) {
    return {ACL_ERROR_BAD_ALLOC, Kind::inner,
            std::string(function) + ": size is " + std::to_string(size) + " bytes but " + place(device) + " has " +
                std::to_string(total()) + ", of which " + std::to_string(in_use) + " are in use"};
  }
  auto block = std::make_shared<Block>(size, device);
  *pointer = block->data;
  const std::uintptr_t address = address_of(block->data);
  const std::unique_lock lock(mutex_);
  blocks_.emplace(address, std::move(block));
  used_[device] += size;
  return {};
}

Answer Memory::release(const char* function, void* pointer, bool of_host) {
  if (pointer == nullptr) return null_pointer(function, of_host ? "hostPtr" : "devPtr");
  std::shared_ptr<Block> block;  // its memory is given back after the lock
  {
    const std::unique_lock lock(mutex_);
    const auto found = blocks_.find(address_of(pointer));
    if (found != blocks_.end() && (found->second->device == host) == of_host) {
      block = std::move(found->second);
      blocks_.erase(found);
      used_[block->device] -= block->size;
      remember_freed(address_of(pointer));
      return {};
    }
  }
  return invalid(std::string(function) + ": " + (of_host ? "hostPtr " : "devPtr ") + words(pointer) +
                 " but must be what " + (of_host ? "aclrtMallocHost" : "aclrtMalloc") + " gave and is not freed yet");
}

// The block with the last start at or before the address. The lock is the caller's.
std::shared_ptr<Block> Memory::block_at(std::uintptr_t address) const {
  auto after = blocks_.upper_bound(address);
  if (after == blocks_.begin()) return nullptr;
  return std::prev(after)->second;
}

std::shared_ptr<Block> Memory::holding(const void* pointer, std::size_t size, int device) const {
  const std::uintptr_t address = address_of(pointer);
  const std::shared_lock lock(mutex_);
  std::shared_ptr<Block> block = block_at(address);
  if (block == nullptr || block->device != device) return nullptr;
  const std::size_t into = address - address_of(block->data);
  return into <= block->size && size <= block->size - into ? block : nullptr;
}

bool Memory::touches_device(const void* pointer, std::size_t size) const {
  if (size == 0) return false;
  const std::uintptr_t begin = address_of(pointer);
  const std::uintptr_t last = size - 1 > UINTPTR_MAX - begin ? UINTPTR_MAX : begin + (size - 1);
  const std::shared_lock lock(mutex_);
  // Blocks don't overlap: going back from the last byte, the first block that ends before `begin` ends the search.
  for (auto after = blocks_.upper_bound(last); after != blocks_.begin();) {
    const Block& block = *(--after)->second;
    if (address_of(block.data) + block.size <= begin) return false;
    if (block.device != host) return true;
  }
  return false;
}

bool Memory::was_freed(std::uintptr_t address) const {
  return std::find(freed_.begin(), freed_.end(), address) != freed_.end();
}

void Memory::remember_freed(std::uintptr_t address) { freed_[freed_count_++ % freed_.size()] = address; }

std::string Memory::words(const void* pointer) const {
  if (pointer == nullptr) return "is null";
  const std::uintptr_t address = address_of(pointer);
  const std::shared_lock lock(mutex_);
  const std::shared_ptr<Block> block = block_at(address);
  const std::size_t into = block == nullptr ? 0 : address - address_of(block->data);
  const std::string is = "is " + hex(address) + ", ";
  if (block != nullptr && into < block->size) {
    const std::string whose = "a block of " + std::to_string(block->size) + " bytes of " + place(block->device);
    return is + (into == 0 ? whose : std::to_string(into) + " bytes into " + whose);
  }
  return is + (was_freed(address) ? "which was freed" : "which is no memory of this runtime");
}

void Memory::release_device(int device) {
  std::map<std::uintptr_t, std::shared_ptr<Block>> released;
  const std::unique_lock lock(mutex_);
  for (auto at = blocks_.begin(); at != blocks_.end();) {
    if (at->second->device == device) {
      ++lost_blocks_;
      lost_bytes_ += at->second->size;
      remember_freed(at->first);
      released.insert(blocks_.extract(at++));
    } else {
      ++at;
    }
  }
  used_.erase(device);
}

std::size_t Memory::used(int device) const {
  const std::shared_lock lock(mutex_);
  const auto found = used_.find(device);
  return found == used_.end() ? 0 : found->second;
}

std::size_t Memory::total() {
  return static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string Memory::leaks() {
  std::string text;
  const std::unique_lock lock(mutex_);
  for (const auto& [address, block] : blocks_) {
    text += hex(address) + ": " + std::to_string(block->size) + " bytes of " + place(block->device) + "\n";
  }
  if (lost_blocks_ > 0) {
    text += std::to_string(lost_blocks_) + " blocks of " + std::to_string(lost_bytes_) +
            " bytes in all, given back by aclrtResetDevice\n";
  }
  lost_blocks_ = lost_bytes_ = 0;
  return text;
}

Memory& memory() {
  static Memory& all = *new Memory;  // outlives every thread that may still use it
  return all;
}

}  // namespace alng::cann
