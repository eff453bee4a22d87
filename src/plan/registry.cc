#include <array>
#include <atomic>

#include "plan/backend.h"

namespace alng {
namespace {

// Without a lock: the child of a fork would wait forever for one that another thread of its parent held. Entries are
// added in order and stay; the first null one ends the list.
constinit std::array<std::atomic<const Backend*>, 16> registered;

}  // namespace

std::vector<const Backend*> backends() {
  std::vector<const Backend*> all = {&cpu_backend(), &reference_backend()};
  for (const auto& entry : registered) {
    const Backend* backend = entry.load(std::memory_order_acquire);
    if (backend == nullptr) break;
    all.push_back(backend);
  }
  return all;
}

void register_backend(const Backend& backend) {
  for (auto& entry : registered) {
    const Backend* other = nullptr;
    if (entry.compare_exchange_strong(other, &backend, std::memory_order_acq_rel)) return;
    if (other->device() == backend.device()) return;
  }
}

std::vector<Availability> devices() {
  std::vector<Availability> result;
  for (const Backend* backend : backends()) result.push_back(backend->availability());
  return result;
}

const char* version() noexcept { return ALNG_VERSION; }

}  // namespace alng
