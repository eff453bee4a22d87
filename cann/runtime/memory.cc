#include "runtime/memory.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

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

Answer Memory::take(const char* function, std::size_t size, int device) {
  const std::unique_lock lock(mutex_);
  // The system would promise more than it has and end the program when it is touched.
  std::size_t& in_use = used_[device];
  if (size > total() || in_use > total() - size) {
    return {ACL_ERROR_RT_MEMORY_ALLOCATION, Kind::inner,
            std::string(function) + ": size is " + std::to_string(size) + " bytes but " + place(device) + " has " +
                std::to_string(total()) + ", of which " + std::to_string(in_use) + " are in use"};
  }
  in_use += size;
  return {};
}

void Memory::give_back(std::size_t size, int device) {
  const std::unique_lock lock(mutex_);
  used_[device] -= size;
}

Answer Memory::allocate(const char* function, std::size_t size, int device, void** pointer) {
  if (size == 0) return invalid(std::string(function) + ": size is 0 but must be at least 1");
  if (Answer answer = take(function, size, device); !answer.ok()) return answer;
  try {
    std::shared_ptr<void> memory(::operator new (size, std::align_val_t{alignment}),
                                 [](void* at) { ::operator delete (at, std::align_val_t{alignment}); });
    void* const data = memory.get();
    auto block = std::make_shared<Block>(Block{static_cast<std::byte*>(data), size, device, false, std::move(memory)});
    const std::unique_lock lock(mutex_);
    blocks_.emplace(address_of(data), std::move(block));
    *pointer = data;
    return {};
  } catch (const std::bad_alloc&) {
    give_back(size, device);
    return {
        ACL_ERROR_RT_MEMORY_ALLOCATION, Kind::inner,
        std::string(function) + ": size is " + std::to_string(size) + " bytes but the machine has no room for them"};
  }
}

void Memory::map(std::shared_ptr<Block> block) {
  const std::unique_lock lock(mutex_);
  const std::uintptr_t address = address_of(block->data);
  blocks_.emplace(address, std::move(block));
}

std::shared_ptr<Block> Memory::unmap(const void* pointer) {
  const std::unique_lock lock(mutex_);
  const auto found = blocks_.find(address_of(pointer));
  if (found == blocks_.end() || !found->second->mapped) return nullptr;
  std::shared_ptr<Block> block = std::move(found->second);
  blocks_.erase(found);
  remember_freed(address_of(pointer));
  return block;
}

Answer Memory::release(const char* function, void* pointer, bool of_host) {
  if (pointer == nullptr) return null_pointer(function, of_host ? "hostPtr" : "devPtr");
  std::shared_ptr<Block> block;  // its memory is given back after the lock
  {
    const std::unique_lock lock(mutex_);
    const auto found = blocks_.find(address_of(pointer));
    if (found != blocks_.end() && (found->second->device == host) == of_host && !found->second->mapped) {
      block = std::move(found->second);
      blocks_.erase(found);
      used_[block->device] -= block->size;
      remember_freed(address_of(pointer));
      return {};
    }
  }
  return not_so(std::string(function) + ": " + (of_host ? "hostPtr " : "devPtr ") + words(pointer) +
                " but must be what " + (of_host ? "aclrtMallocHost" : "aclrtMalloc") + " gave and is not freed yet");
}

// The block with the last start at or before the address. The lock is the caller's.
std::shared_ptr<Block> Memory::block_at(const Blocks& blocks, std::uintptr_t address) {
  auto after = blocks.upper_bound(address);
  if (after == blocks.begin()) return nullptr;
  return std::prev(after)->second;
}

std::shared_ptr<Block> Memory::holding(const void* pointer, std::size_t size, int device) const {
  const std::uintptr_t address = address_of(pointer);
  const std::shared_lock lock(mutex_);
  std::shared_ptr<Block> block = block_at(blocks_, address);
  if (block == nullptr || block->device != device) return nullptr;
  const std::size_t into = address - address_of(block->data);
  if (into > block->size) return nullptr;
  if (size <= block->size - into) return block;
  if (!block->mapped) return nullptr;
  auto parts = std::make_shared<std::vector<std::shared_ptr<Block>>>(1, block);
  std::size_t whole = block->size;
  while (size > whole - into) {
    const auto next = blocks_.find(address_of(block->data) + whole);
    if (next == blocks_.end() || !next->second->mapped || next->second->device != device) return nullptr;
    parts->push_back(next->second);
    whole += next->second->size;
  }
  return std::make_shared<Block>(Block{block->data, whole, device, true, std::move(parts)});
}

bool Memory::touches_device(const Blocks& blocks, std::uintptr_t begin, std::uintptr_t last) {
  // Blocks don't overlap: going back from the last byte, the first block that ends before `begin` ends the search.
  for (auto after = blocks.upper_bound(last); after != blocks.begin();) {
    const Block& block = *(--after)->second;
    if (address_of(block.data) + block.size <= begin) return false;
    if (block.device != host) return true;
  }
  return false;
}

bool Memory::touches_device(const void* pointer, std::size_t size) const {
  if (size == 0) return false;
  const std::uintptr_t begin = address_of(pointer);
  const std::uintptr_t last = size - 1 > UINTPTR_MAX - begin ? UINTPTR_MAX : begin + (size - 1);
  const std::shared_lock lock(mutex_);
  return touches_device(blocks_, begin, last) || touches_device(inherited_, begin, last);
}

bool Memory::was_freed(std::uintptr_t address) const {
  return std::find(freed_.begin(), freed_.end(), address) != freed_.end();
}

void Memory::remember_freed(std::uintptr_t address) { freed_[freed_count_++ % freed_.size()] = address; }

std::string Memory::words(const void* pointer) const {
  if (pointer == nullptr) return "is null";
  const std::uintptr_t address = address_of(pointer);
  const std::shared_lock lock(mutex_);
  const std::string is = "is " + hex(address) + ", ";
  for (const Blocks* blocks : {&blocks_, &inherited_}) {
    const std::shared_ptr<Block> block = block_at(*blocks, address);
    const std::size_t into = block == nullptr ? 0 : address - address_of(block->data);
    if (block == nullptr || into >= block->size) continue;
    return is + (into == 0 ? "" : std::to_string(into) + " bytes into ") +
           (block->mapped ? "a mapping of " : "a block of ") + std::to_string(block->size) + " bytes of " +
           place(block->device) + (blocks == &inherited_ ? " that was made before fork, in the parent process" : "");
  }
  return is + (was_freed(address) ? "which was freed" : "which is no memory of this runtime");
}

void Memory::release_device(int device) {
  Blocks released;  // whose memory is given back after the lock
  const std::unique_lock lock(mutex_);
  for (auto at = blocks_.begin(); at != blocks_.end();) {
    if (at->second->device == device) {
      ++lost_blocks_;
      lost_bytes_ += at->second->size;
      if (!at->second->mapped) used_[device] -= at->second->size;
      remember_freed(at->first);
      released.insert(blocks_.extract(at++));
    } else {
      ++at;
    }
  }
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

// glibc's shared lock knows its owner by the thread's number, which is another in the child.
void Memory::in_child() {
  inherited_.merge(blocks_);
  used_.clear();
  lost_blocks_ = lost_bytes_ = 0;
  new (&mutex_) std::shared_mutex;
}

Memory& memory() {
  static Memory& all = *new Memory;  // outlives every thread that may still use it
  return all;
}

}  // namespace alng::cann
