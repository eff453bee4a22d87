// The memory of a device that has its own, for callers whose data is in the host's.
#ifndef ALNG_MEMORY_HPP
#define ALNG_MEMORY_HPP

#include <cstddef>
#include <type_traits>

#include "alng/alng.h"
#include "alng/c_structs.hpp"
#include "alng/language.h"
#include "alng/status.hpp"

namespace alng {

/// What `PlanOf::memory` gives. Cheap to copy, safe to share between threads; outlives the plan. All is done on the
/// device's default stream. Refusals: `out_of_memory`, and `device_error`, which may be that of a run before.
class Memory {
 public:
  explicit Memory(const alng_memory* memory) noexcept : memory_(memory) {}

  /// False where the plan's pointers are the host's: then every call is refused (`null_pointer`).
  explicit operator bool() const noexcept { return memory_ != nullptr; }

  /// Aligned to 256 bytes, contents unknown. To be given to `free`.
  Result<void*> allocate(std::size_t bytes) const noexcept {
    void* address = nullptr;
    Status status =
        c_structs::call([&](alng_status* said) { return alng_memory_allocate(memory_, bytes, &address, said); });
    if (!status.ok()) return status;
    return address;
  }
  /// Waits for all that uses it. Null is allowed.
  void free(void* address) const noexcept { alng_memory_free(memory_, address); }

  /// From the host's memory to the device's; returns when it is done.
  Status upload(void* to, const void* from, std::size_t bytes) const noexcept {
    return c_structs::call([&](alng_status* said) { return alng_memory_upload(memory_, to, from, bytes, said); });
  }
  /// From the device's memory to the host's, after all runs before; returns when it is done.
  Status download(void* to, const void* from, std::size_t bytes) const noexcept {
    return c_structs::call([&](alng_status* said) { return alng_memory_download(memory_, to, from, bytes, said); });
  }
  /// Within the device's memory; returns before it is done, as a run does.
  Status copy(void* to, const void* from, std::size_t bytes) const noexcept {
    return c_structs::call([&](alng_status* said) { return alng_memory_copy(memory_, to, from, bytes, said); });
  }

  /// Calls `work()`, waits, and gives the seconds that the device took for what was begun there.
  template <class Work>
  Result<double> time(Work&& work) const noexcept {
    using Called = std::remove_reference_t<Work>;
    const auto call = [](void* context) { (*static_cast<Called*>(context))(); };
    double seconds = 0;
    Status status = c_structs::call([&](alng_status* said) {
      return alng_memory_time(memory_, call, const_cast<void*>(static_cast<const void*>(&work)), &seconds, said);
    });
    if (!status.ok()) return status;
    return seconds;
  }

 private:
  const alng_memory* memory_;
};

}  // namespace alng

#endif
