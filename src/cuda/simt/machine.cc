#include "cuda/simt/machine.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace alng::impl::cuda::simt {

void Machine::launch(const Launch& launch) {
  std::vector<unsigned> order(static_cast<std::size_t>(launch.grid_x) * launch.grid_y / launch.cluster);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::shuffle(order, std::minstd_rand(schedule_.seed));
  const auto body = reinterpret_cast<HostFunction>(const_cast<void*>(launch.kernel->function));
  for (const unsigned i : order) {
    if (!report_.clean()) return;
    const unsigned first = i * launch.cluster;
    Block block(launch.threads, launch.shared_bytes, {first % launch.grid_x, first / launch.grid_x}, launch.cluster,
                {launch.grid_x, launch.grid_y}, schedule_, memory_, report_, fibers_);
    block.run(body, launch.parameters.data());
  }
}

}  // namespace alng::impl::cuda::simt
