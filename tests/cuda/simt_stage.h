// A few threads on the host model of CUDA, for tests of its checks.
#ifndef ALNG_TESTS_CUDA_SIMT_STAGE_H
#define ALNG_TESTS_CUDA_SIMT_STAGE_H

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>

#include "cuda/device.h"
#include "cuda/simt/machine.h"

namespace alng::test {

namespace cuda = impl::cuda;
namespace simt = impl::cuda::simt;

/// One block, or some, that run `body`, a captureless lambda that takes `Parameters`.
template <class Parameters>
struct Stage {
  unsigned threads = 64;
  unsigned shared_bytes = 1024;
  unsigned blocks = 1, cluster = 1;
  simt::Schedule schedule;
  /// What the kernel may touch of global memory, told to the model.
  std::function<void(simt::GlobalMemory&)> memory = [](simt::GlobalMemory&) {};

  simt::Report run(cuda::HostFunction body, const Parameters& parameters) const {
    const cuda::Kernel kernel{{}, reinterpret_cast<const void*>(body)};
    cuda::Launch launch;
    launch.kernel = &kernel;
    launch.grid_x = blocks;
    launch.cluster = cluster;
    launch.threads = threads;
    launch.shared_bytes = shared_bytes;
    std::memcpy(launch.parameters.data(), &parameters, sizeof parameters);
    simt::Machine machine(schedule);
    memory(machine.memory());
    machine.launch(launch);
    return machine.report();
  }
};

/// A block, or a cluster of blocks, without parameters, under every arrival of copies and several orders of threads.
/// Each report must contain `finding`; with an empty one each must be clean.
inline void expect_finding(const char* finding, cuda::HostFunction body, unsigned threads = 64,
                           unsigned shared_bytes = 1024, unsigned cluster = 1) {
  for (const simt::Arrival arrival : {simt::Arrival::early, simt::Arrival::late, simt::Arrival::any}) {
    for (std::uint32_t seed = 1; seed <= 4; ++seed) {
      Stage<int> stage;
      stage.threads = threads;
      stage.shared_bytes = shared_bytes;
      stage.blocks = stage.cluster = cluster;
      stage.schedule = {seed, arrival, false};
      const std::string sentences = stage.run(body, 0).sentences();
      if (*finding == '\0') {
        EXPECT_EQ(sentences, "") << "seed " << seed;
      } else {
        EXPECT_NE(sentences.find(finding), std::string::npos) << "seed " << seed << ": " << sentences;
      }
    }
  }
}

}  // namespace alng::test

#endif
