#include <array>

#include "plan/backend.h"

namespace alng {

std::span<const Backend* const> backends() noexcept {
  static const std::array<const Backend*, 2> all = {&cpu_backend(), &reference_backend()};
  return all;
}

std::vector<Availability> devices() {
  std::vector<Availability> result;
  for (const Backend* backend : backends()) result.push_back(backend->availability());
  return result;
}

const char* version() noexcept { return ALNG_VERSION; }

}  // namespace alng
