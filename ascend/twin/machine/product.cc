#include "machine/product.h"

#include <algorithm>
#include <array>

namespace alng::twin {
namespace {

// 192 KiB less the 256 bytes the platform keeps; 256 KiB less 6 KiB of vector-function stack and 2 KiB.
constexpr std::uint32_t ub_2201 = 196352;
constexpr std::uint32_t ub_3510 = 253952;

// One core of A2 reaches 247 GiB/s alone (1.8 GHz: 147 bytes a cycle); of the 950 the platform files say 31 (PR) and 80
// (DT). 4.0 TB/s for the DT is 2.5 times the PR's, as those two numbers are.
constexpr std::array<Product, 4> all = {{
    {"950pr", "Ascend950PR_9599", "Ascend 950PR", 3510, 72, 1.8, ub_3510, 1.6e12, 31, 39},
    {"950dt", "Ascend950DT_9599", "Ascend 950DT", 3510, 72, 1.8, ub_3510, 4.0e12, 80, 39},
    {"a3", "Ascend910_9391", "Atlas A3", 2201, 48, 1.85, ub_2201, 1.8e12, 147, 20},
    {"a2", "Ascend910B3", "Atlas A2", 2201, 40, 1.8, ub_2201, 1.8e12, 147, 20},
}};

}  // namespace

double Product::bytes_per_cycle(int active) const {
  return std::min(core_bytes_per_cycle, memory_bandwidth / (std::max(active, 1) * gigahertz * 1e9));
}

std::span<const Product> products() { return all; }

const Product* product_named(std::string_view device) {
  const auto* found = std::ranges::find_if(all, [device](const Product& p) { return p.device == device; });
  return found == all.end() ? nullptr : found;
}

}  // namespace alng::twin
