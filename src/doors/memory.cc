// The C door to the memory that a plan's device has of its own. What alng_plan_memory hands out as an alng_memory is an
// alng::impl::Memory.
#include <algorithm>
#include <cstddef>

#include "alng/alng.h"
#include "doors/answer.h"
#include "plan/backend.h"

namespace alng::impl {
namespace {

template <class Call>
alng_code with_memory(const alng_memory* memory, alng_status* status, Call call) {
  return guarded(status, [&]() -> Status {
    if (memory == nullptr) return missing("memory");
    return call(*reinterpret_cast<const Memory*>(memory));
  });
}

Status missing_pointer(const void* to, const void* from, std::size_t bytes) {
  if (bytes == 0 || (to != nullptr && from != nullptr)) return {};
  return missing(to == nullptr ? "to" : "from");
}

/// `call(const Memory&)` of a copy whose pointers are there where they are needed.
template <class Call>
alng_code with_copy(const alng_memory* memory, const void* to, const void* from, std::size_t bytes, alng_status* status,
                    Call call) {
  return with_memory(memory, status, [&](const Memory& found) -> Status {
    Status pointers = missing_pointer(to, from, bytes);
    return pointers.ok() && bytes > 0 ? call(found) : pointers;
  });
}

}  // namespace
}  // namespace alng::impl

using namespace alng::impl;  // NOLINT(google-build-using-namespace): the door of this file
using alng::Result;
using alng::Status;

extern "C" {

alng_code alng_memory_allocate(const alng_memory* memory, size_t bytes, void** address, alng_status* status) {
  return with_memory(memory, status, [&](const Memory& found) -> Status {
    if (address == nullptr) return missing("address");
    *address = nullptr;
    const Result<void*> allocated = found.allocate(std::max<std::size_t>(bytes, 1));
    if (allocated.ok()) *address = allocated.value();
    return allocated.status();
  });
}
void alng_memory_free(const alng_memory* memory, void* address) {
  if (memory != nullptr && address != nullptr) reinterpret_cast<const Memory*>(memory)->free(address);
}
alng_code alng_memory_upload(const alng_memory* memory, void* to, const void* from, size_t bytes, alng_status* status) {
  return with_copy(memory, to, from, bytes, status, [&](const Memory& at) { return at.upload(to, from, bytes); });
}
alng_code alng_memory_download(const alng_memory* memory, void* to, const void* from, size_t bytes,
                               alng_status* status) {
  return with_copy(memory, to, from, bytes, status, [&](const Memory& at) { return at.download(to, from, bytes); });
}
alng_code alng_memory_copy(const alng_memory* memory, void* to, const void* from, size_t bytes, alng_status* status) {
  return with_copy(memory, to, from, bytes, status, [&](const Memory& at) { return at.copy(to, from, bytes); });
}
alng_code alng_memory_time(const alng_memory* memory, void (*work)(void* context), void* context, double* seconds,
                           alng_status* status) {
  return with_memory(memory, status, [&](const Memory& found) -> Status {
    if (work == nullptr) return missing("work");
    if (seconds == nullptr) return missing("seconds");
    const Result<double> time = found.time(work, context);
    if (time.ok()) *seconds = time.value();
    return time.status();
  });
}

}  // extern "C"
