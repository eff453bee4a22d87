// What planning has to know of a GPU. The runtime asks the driver for it; the host model has the presets below.
#ifndef ALNG_CUDA_GPU_H
#define ALNG_CUDA_GPU_H

#include <array>
#include <cstdint>

namespace alng::impl::cuda {

struct Gpu {
  /// 10 * major + minor of the compute capability: 80 is an A100, 90 an H100 or H200.
  int architecture;
  int multiprocessors;
  /// The most dynamic shared memory that a block may ask for, in bytes (sharedMemPerBlockOptin).
  std::int64_t shared_per_block;
  /// Shared memory of one multiprocessor; each block takes 1024 bytes more than it asks for.
  std::int64_t shared_per_multiprocessor;
  /// Clusters of 2, 4 and 8 blocks of 512 threads that run at once where a block has a multiprocessor to itself; 0:
  /// none.
  std::array<int, 3> clusters{};
};

/// Blocks of the clusters that are counted there.
inline constexpr std::array<int, 3> cluster_sizes = {2, 4, 8};

/// A GPU that can be planned for without having one. PlanOptions::isa forces it by its name.
struct Preset {
  const char* isa;
  Gpu gpu;
};

inline constexpr Preset presets[] = {
    // H100 SXM, H200. How many clusters of 4 and 8 one has depends on which of its multiprocessors are switched off.
    {"sm_90", {90, 132, 232448, 233472, {66, 32, 16}}},
    {"sm_80", {80, 108, 166912, 167936}},  // A100
};

}  // namespace alng::impl::cuda

#endif
