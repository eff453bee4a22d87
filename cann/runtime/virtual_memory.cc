#include "runtime/virtual_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <thread>

#include "runtime/device.h"
#include "runtime/leaks.h"
#include "runtime/memory.h"

namespace alng::cann {
namespace {

// What the vendor's pages say of all products.
constexpr std::size_t granularity = std::size_t{2} << 20;

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

/// Memory that may be mapped at several addresses and is then the same everywhere.
class Physical {
 public:
  Physical(int file, std::size_t size, int device) : file_(file), size_(size), device_(device) {}
  ~Physical() {
    ::close(file_);
    memory().give_back(size_, device_);
  }
  Physical(const Physical&) = delete;
  Physical& operator=(const Physical&) = delete;

  int file() const { return file_; }
  std::size_t size() const { return size_; }
  int device() const { return device_; }

 private:
  const int file_;
  const std::size_t size_;
  const int device_;
};

Registry<Physical>& physicals() {
  static Registry<Physical>& all = []() -> Registry<Physical>& {
    add_leak_count([] { return physicals().size(); }, "pieces of physical memory");
    return *new Registry<Physical>(0x50);
  }();
  return all;
}

// Ranges by their beginning.
using Ranges = std::map<std::uintptr_t, std::size_t>;

bool holds(const Ranges& ranges, std::uintptr_t address) {
  const auto after = ranges.upper_bound(address);
  return after != ranges.begin() && address - std::prev(after)->first < std::prev(after)->second;
}

/// What is reserved, and which parts of that are mapped.
struct Addresses final : Forked {
  Addresses() { join(); }
  void before_fork() override { mutex.lock(); }
  void in_parent() override { mutex.unlock(); }
  void in_child() override {
    inherited.merge(reserved);
    reserved.clear();
    mapped.clear();
    mutex.unlock();
  }

  /// The reservation that an address is in, or the end. The lock is the caller's, as below.
  Ranges::iterator reservation_of(std::uintptr_t address) {
    if (holds(inherited, address)) note_inherited();
    return holds(reserved, address) ? std::prev(reserved.upper_bound(address)) : reserved.end();
  }
  bool any_mapped(std::uintptr_t begin, std::size_t size) const {
    const auto next = mapped.lower_bound(begin);
    return holds(mapped, begin) || (next != mapped.end() && next->first - begin < size);
  }

  std::mutex mutex;
  Ranges reserved;
  Ranges mapped;
  Ranges inherited;  // reservations that a child of fork must not use
};

Addresses& addresses() {
  static Addresses& all = *new Addresses;
  return all;
}

/// Memory at an address, until nobody holds it.
class Mapping {
 public:
  Mapping(void* at, std::shared_ptr<Physical> physical) : at_(at), physical_(std::move(physical)) {}
  ~Mapping() {
    // The addresses stay reserved. Where the system fails, what is mapped there stays, too, as long as the process
    // runs.
    static_cast<void>(
        ::mmap(at_, physical_->size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0));
    const std::lock_guard lock(addresses().mutex);
    addresses().mapped.erase(address_of(at_));
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

 private:
  void* const at_;
  const std::shared_ptr<Physical> physical_;
};

Answer check_size(const char* function, std::size_t size) {
  if (size > 0 && size % granularity == 0) return {};
  return not_so(
      wrong_number(function, "size", size, "a multiple of " + std::to_string(granularity) + ", the granularity"));
}

Answer check_zero(const char* function, const char* name, std::uint64_t value) {
  if (value == 0) return {};
  return not_so(wrong_number(function, name, value, "0"));
}

Answer system_refused(const char* function, std::size_t size) {
  return {ACL_ERROR_RT_MEMORY_ALLOCATION, Kind::inner,
          std::string(function) + ": size is " + std::to_string(size) +
              " bytes but the system says: " + std::strerror(errno)};
}

Answer check_properties(const char* function, const aclrtPhysicalMemProp* prop) {
  if (prop == nullptr) return null_pointer(function, "prop");
  const auto number = [&](const std::string& name, std::int64_t value, const char* must_be) {
    return not_so(wrong_number(function, "prop->" + name, value, must_be));
  };
  if (prop->handleType != ACL_MEM_HANDLE_TYPE_NONE) return number("handleType", prop->handleType, "0, for none");
  if (prop->allocationType != ACL_MEM_ALLOCATION_TYPE_PINNED) {
    return number("allocationType", prop->allocationType, "0, for pinned");
  }
  if (prop->memAttr < ACL_DDR_MEM || prop->memAttr > ACL_HBM_MEM_P2P_NORMAL) {
    return number("memAttr", prop->memAttr, "0 to 9");
  }
  if (prop->location.type == ACL_MEM_LOCATION_TYPE_HOST) {
    return {ACL_ERROR_RT_FEATURE_NOT_SUPPORT, Kind::value,
            std::string(function) + ": prop->location.type is the host but must be a device"};
  }
  if (prop->location.type != ACL_MEM_LOCATION_TYPE_DEVICE) {
    return number("location.type", prop->location.type, "1, for a device");
  }
  return check_device(function, "prop->location.id", prop->location.id);
}

Answer reserve(void** pointer, std::size_t size, std::size_t alignment, void* expected, std::uint64_t flags) {
  constexpr const char* function = "aclrtReserveMemAddress";
  if (pointer == nullptr) return null_pointer(function, "virPtr");
  if (Answer answer = check_size(function, size); !answer.ok()) return answer;
  if (Answer answer = check_zero(function, "alignment", alignment); !answer.ok()) return answer;
  if (flags > 1) return not_so(wrong_number(function, "flags", flags, "0 or 1"));
  const std::size_t room = size + granularity;
  if (room < size)
    return not_so(std::string(function) + ": size is " + std::to_string(size) + ", more than addresses reach");
  void* const at = ::mmap(expected, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return system_refused(function, size);
  // The aligned part stays.
  const std::size_t before = (granularity - address_of(at) % granularity) % granularity;
  auto* const begin = static_cast<std::byte*>(at) + before;
  if (before > 0) ::munmap(at, before);
  ::munmap(begin + size, granularity - before);
  const std::lock_guard lock(addresses().mutex);
  addresses().reserved.emplace(address_of(begin), size);
  *pointer = begin;
  return {};
}

Answer release(void* pointer) {
  constexpr const char* function = "aclrtReleaseMemAddress";
  if (pointer == nullptr) return null_pointer(function, "virPtr");
  Addresses& all = addresses();
  const std::lock_guard lock(all.mutex);
  const auto found = all.reservation_of(address_of(pointer));
  if (found == all.reserved.end() || found->first != address_of(pointer)) {
    return not_so(std::string(function) + ": virPtr must be what aclrtReserveMemAddress gave and is not released yet");
  }
  if (all.any_mapped(found->first, found->second)) {
    return not_so(std::string(function) + ": memory is mapped at addresses from virPtr on; aclrtUnmapMem comes first");
  }
  ::munmap(pointer, found->second);
  all.reserved.erase(found);
  return {};
}

Answer allocate(aclrtDrvMemHandle* handle, std::size_t size, const aclrtPhysicalMemProp* prop, std::uint64_t flags) {
  constexpr const char* function = "aclrtMallocPhysical";
  if (handle == nullptr) return null_pointer(function, "handle");
  if (Answer answer = check_size(function, size); !answer.ok()) return answer;
  if (Answer answer = check_properties(function, prop); !answer.ok()) return answer;
  if (Answer answer = check_zero(function, "flags", flags); !answer.ok()) return answer;
  const int device = static_cast<int>(prop->location.id);
  if (Answer answer = memory().take(function, size, device); !answer.ok()) return answer;
  const int file = ::memfd_create("device memory", MFD_CLOEXEC);
  if (file < 0 || ::ftruncate(file, static_cast<off_t>(size)) != 0) {
    Answer answer = system_refused(function, size);
    if (file >= 0) ::close(file);
    memory().give_back(size, device);
    return answer;
  }
  *handle = physicals().add(std::make_shared<Physical>(file, size, device));
  return {};
}

Answer map(void* pointer, std::size_t size, std::size_t offset, aclrtDrvMemHandle handle, std::uint64_t flags) {
  constexpr const char* function = "aclrtMapMem";
  if (pointer == nullptr) return null_pointer(function, "virPtr");
  if (handle == nullptr) return null_pointer(function, "handle");
  const std::shared_ptr<Physical> physical = physicals().find(handle);
  if (physical == nullptr) return no_handle(function, "handle", "aclrtMallocPhysical");
  if (size != physical->size()) {
    return not_so(wrong_number(function, "size", size, "that of the memory, " + std::to_string(physical->size())));
  }
  if (Answer answer = check_zero(function, "offset", offset); !answer.ok()) return answer;
  if (Answer answer = check_zero(function, "flags", flags); !answer.ok()) return answer;
  const std::uintptr_t begin = address_of(pointer);
  {
    Addresses& all = addresses();
    const std::lock_guard lock(all.mutex);
    const auto found = all.reservation_of(begin);
    if (found == all.reserved.end() || size > found->second - (begin - found->first)) {
      return not_so(std::string(function) + ": virPtr is no address from which on " + std::to_string(size) +
                    " bytes are reserved by one aclrtReserveMemAddress");
    }
    if (begin % granularity != 0) {
      return not_so(std::string(function) + ": virPtr must be a multiple of " + std::to_string(granularity) +
                    ", the granularity");
    }
    if (all.any_mapped(begin, size)) return not_so(std::string(function) + ": memory is mapped there already");
    all.mapped.emplace(begin, size);
  }
  // From here on its destructor gives the addresses back.
  auto mapping = std::make_shared<Mapping>(pointer, physical);
  if (::mmap(pointer, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, physical->file(), 0) == MAP_FAILED) {
    return system_refused(function, size);
  }
  memory().map(std::make_shared<Block>(
      Block{static_cast<std::byte*>(pointer), size, physical->device(), true, std::move(mapping)}));
  return {};
}

Answer unmap(void* pointer) {
  constexpr const char* function = "aclrtUnmapMem";
  if (pointer == nullptr) return null_pointer(function, "virPtr");
  std::shared_ptr<Block> block = memory().unmap(pointer);
  if (block == nullptr) {
    return not_so(std::string(function) + ": virPtr " + memory().words(pointer) +
                  " but must be where aclrtMapMem mapped memory that is not unmapped yet");
  }
  // Work that runs at the moment uses the addresses until it is done.
  while (block.use_count() > 1) std::this_thread::yield();
  return {};
}

}  // namespace

void release_physical(int device) {
  physicals().remove_where([device](const Physical& physical) { return physical.device() == device; });
}

}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclError aclrtReserveMemAddress(void** virPtr, size_t size, size_t alignment, void* expectPtr, uint64_t flags) {
  return guarded([&] { return reserve(virPtr, size, alignment, expectPtr, flags); });
}

aclError aclrtReleaseMemAddress(void* virPtr) {
  return guarded([&] { return release(virPtr); });
}

aclError aclrtMallocPhysical(aclrtDrvMemHandle* handle, size_t size, const aclrtPhysicalMemProp* prop, uint64_t flags) {
  return guarded([&] { return allocate(handle, size, prop, flags); });
}

aclError aclrtFreePhysical(aclrtDrvMemHandle handle) {
  return guarded([&]() -> Answer {
    if (handle == nullptr) return null_pointer("aclrtFreePhysical", "handle");
    if (physicals().remove(handle) != nullptr) return {};
    return no_handle("aclrtFreePhysical", "handle", "aclrtMallocPhysical");
  });
}

aclError aclrtMapMem(void* virPtr, size_t size, size_t offset, aclrtDrvMemHandle handle, uint64_t flags) {
  return guarded([&] { return map(virPtr, size, offset, handle, flags); });
}

aclError aclrtUnmapMem(void* virPtr) {
  return guarded([&] { return unmap(virPtr); });
}

aclError aclrtMemGetAllocationGranularity(aclrtPhysicalMemProp* prop, aclrtMemGranularityOptions option,
                                          size_t* bytes) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtMemGetAllocationGranularity";
    if (bytes == nullptr) return null_pointer(function, "granularity");
    if (Answer answer = check_properties(function, prop); !answer.ok()) return answer;
    if (option != ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM && option != ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED) {
      return not_so(wrong_number(function, "option", option, "0 or 1"));
    }
    *bytes = granularity;
    return {};
  });
}

}  // extern "C"
