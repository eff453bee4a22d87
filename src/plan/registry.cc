#include <array>
#include <atomic>
#include <string_view>
#include <utility>

#include "plan/backend.h"

namespace alng::impl {
namespace {

// Without a lock: the child of a fork would wait forever for one that another thread of its parent held. Entries are
// added in order and stay; the first null one ends the list.
constinit std::array<std::atomic<const Backend*>, 16> registered;
constinit std::atomic<bool> left_out = false;

}  // namespace

std::vector<const Backend*> backends() {
  // The first one does what no device is named for.
  std::vector<const Backend*> all = {&cpu_backend(), &reference_backend(), &cuda_backend()};
  for (const auto& entry : registered) {
    const Backend* backend = entry.load(std::memory_order_acquire);
    if (backend == nullptr) break;
    all.push_back(backend);
  }
  return all;
}

std::vector<Availability> devices() {
  std::vector<Availability> result;
  for (const Backend* backend : backends()) {
    for (Availability& device : backend->availability()) result.push_back(std::move(device));
  }
  return result;
}

bool backend_left_out() noexcept { return left_out.load(std::memory_order_relaxed); }

}  // namespace alng::impl

void alng_internal_register_backend(std::int32_t interface, const void* backend) noexcept {
  using namespace alng::impl;  // NOLINT(google-build-using-namespace): the entry of this file
  if (interface != backend_interface) {
    left_out.store(true, std::memory_order_relaxed);
    return;
  }
  const auto* added = static_cast<const Backend*>(backend);
  for (auto& entry : registered) {
    const Backend* other = nullptr;
    if (entry.compare_exchange_strong(other, added, std::memory_order_acq_rel)) return;
    if (std::string_view(other->device()) == added->device()) return;
  }
}
