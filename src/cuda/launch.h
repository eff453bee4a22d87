// What a run launches, as plain data: the real device and the host model (simt/) take the same. No header of CUDA is
// needed to plan.
//
// A kernel is a template `__global__ void kernel(const __grid_constant__ Parameters)`. Each operator has a source for
// each dtype (grad/kernels_bfloat16.cu, ...) with a table of all its kernels. nvcc compiles it for the device, where
// Kernel::function is what cudaLaunchKernelExC takes; the host compiler compiles the same source as C++ for the model,
// where it is a HostFunction. Each of the two libraries has all tables once.
#ifndef ALNG_CUDA_LAUNCH_H
#define ALNG_CUDA_LAUNCH_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cuda/gpu.h"
#include "problem/arguments.h"
#include "problem/problem.h"

namespace alng::impl::cuda {

/// What a kernel does.
enum class Pass : std::uint8_t {
  rows,        ///< rows of up to 8192 columns, read once: what belongs to the row, and units' column sums
  row_sums,    ///< longer rows of the gradient: sums of groups of segments
  row_means,   ///< m1 and m2 from those
  long_rows,   ///< longer rows: all else
  columns,     ///< units' column sums to dgamma and dbeta
  statistics,  ///< mean and rstd of rows without columns
};

/// How rows come into shared memory.
enum class Access : std::uint8_t {
  bulk,   ///< one bulk copy for each row of a tensor, from sm_90 on; rows that lie on 16 bytes
  own,    ///< asynchronous copies of 16 bytes, each thread what it will read itself; rows that lie on 16 bytes
  runs,   ///< asynchronous copies of 16 bytes of whatever lies without gaps, else elements one by one; any strides
  plain,  ///< not at all: elements are loaded where they are used; any strides
};

/// All that tells one kernel from another.
struct KernelName {
  Kind kind;
  Pass pass;
  DType dtype;
  Access access;
  /// The most threads that a row may have: lanes of a warp or whole warps.
  int row_threads;
  friend bool operator==(const KernelName&, const KernelName&) = default;
};

struct Kernel {
  KernelName name;
  const void* function;
};

/// The model's Kernel::function: one thread of the kernel.
using HostFunction = void (*)(const void* parameters);

/// The tables, each of its operator and dtype.
std::span<const Kernel> grad_kernels_float32() noexcept;
std::span<const Kernel> grad_kernels_float16() noexcept;
std::span<const Kernel> grad_kernels_bfloat16() noexcept;
std::span<const Kernel> forward_kernels_float32() noexcept;
std::span<const Kernel> forward_kernels_float16() noexcept;
std::span<const Kernel> forward_kernels_bfloat16() noexcept;

struct Launch {
  const Kernel* kernel = nullptr;
  unsigned grid_x = 1, grid_y = 1;
  unsigned threads = 1;
  unsigned shared_bytes = 0;
  /// Blocks of a cluster, which divide grid_x.
  unsigned cluster = 1;
  /// From sm_90 on it may be launched while the one before it runs (programmatic stream serialization): the kernel
  /// itself waits for that one's results.
  bool early = false;
  /// The kernel's only parameter, by value.
  alignas(16) std::array<std::byte, 2048> parameters;
};

/// In order, on one stream.
struct Launches {
  int count = 0;
  std::array<Launch, 4> list;
};

/// A kernel that runs may launch, and the most dynamic shared memory it gets: for what has to be set once, when the
/// plan is made.
struct Use {
  const Kernel* kernel;
  unsigned shared_bytes;
  /// Of a kernel for clusters, blocks of a cluster and threads of a block.
  unsigned cluster = 1, threads = 0;
};

/// A problem of any operator, planned for a GPU; immutable. Which of its uses a run launches depends on how the
/// tensors' addresses are aligned.
class LaunchPlan {
 public:
  virtual ~LaunchPlan() = default;
  /// All in device memory; any alignment.
  virtual std::size_t workspace_size() const noexcept = 0;
  virtual std::span<const Use> uses() const noexcept = 0;
  /// Blocks of the largest launch.
  virtual int blocks() const noexcept = 0;
  /// Lines of `key: value`, each ending in a newline.
  virtual std::string explain() const = 0;
  /// Of judged arguments whose pointers are the device's; nothing is read through them. Also of a problem without rows
  /// or columns: then a launch or none writes what there is to write.
  virtual Launches launches(const Arguments& arguments) const noexcept = 0;
};

/// `options.threads` is the most blocks at once, 0 for as many as there is room for; long rows may take one for each of
/// their tiles, and rows of a cluster's blocks take a cluster. `isa` and `device` are the caller's to judge.
/// Refusals: `unsupported`.
Result<std::unique_ptr<LaunchPlan>> plan_launches(const Problem& problem, const Gpu& gpu, const PlanOptions& options);

}  // namespace alng::impl::cuda

#endif
