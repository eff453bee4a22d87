#include <algorithm>
#include <mutex>

#include "plan/backend.h"

namespace alng {
namespace {

struct Registry {
  std::mutex mutex;
  std::vector<const Backend*> all = {&cpu_backend(), &reference_backend()};
};

// Back ends register before main, from other files.
Registry& registry() {
  static Registry& registry = *new Registry;
  return registry;
}

}  // namespace

std::vector<const Backend*> backends() {
  const std::lock_guard lock(registry().mutex);
  return registry().all;
}

void register_backend(const Backend& backend) {
  const std::lock_guard lock(registry().mutex);
  std::vector<const Backend*>& all = registry().all;
  const bool known =
      std::ranges::any_of(all, [&backend](const Backend* other) { return other->device() == backend.device(); });
  if (!known) all.push_back(&backend);
}

std::vector<Availability> devices() {
  std::vector<Availability> result;
  for (const Backend* backend : backends()) result.push_back(backend->availability());
  return result;
}

const char* version() noexcept { return ALNG_VERSION; }

}  // namespace alng
