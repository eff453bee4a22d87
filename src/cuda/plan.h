// What the plans of both operators share.
#ifndef ALNG_CUDA_PLAN_H
#define ALNG_CUDA_PLAN_H

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "cuda/launch.h"
#include "cuda/tuning.h"
#include "cuda/view.h"

namespace alng::impl::cuda {

/// Null where no table has it.
const Kernel* find_kernel(const KernelName& name) noexcept;

/// "bulk copies", ...
const char* text(Access access) noexcept;

/// Of the problem's tensor, without its address; all zero where there is none.
View view_of(const Problem& problem, std::size_t place) noexcept;
inline View at(View view, const Arguments& arguments, std::size_t place) noexcept {
  view.data = static_cast<std::byte*>(arguments.data[place]);
  return view;
}

/// Whether the rows of these tensors, as many of them as there are, can be copied in vectors of 16 bytes, as far as
/// their layouts tell: dense, a single distance from row to row, and that and their size multiples of 16. The addresses
/// remain to be asked.
bool in_vectors(const Problem& problem, std::span<const int> places) noexcept;
bool on_16_bytes(const Problem& problem, std::span<const int> places, const Arguments& arguments) noexcept;
/// Whether all columns of a row are one stride apart, in each of these that there is.
bool have_one_stride(const Problem& problem, std::span<const int> places) noexcept;

/// 1 / D as the canonical order has it.
inline float inverse_of(std::int64_t columns) noexcept { return 1.0f / static_cast<float>(columns); }

/// Of a block that has a group of a long row's segments, a warp for each; two at least.
inline unsigned group_threads(std::int64_t columns) noexcept {
  return static_cast<unsigned>(32 * std::clamp<std::int64_t>((columns + 511) / 512, 2, 32));
}

/// The GPU, and how much of it a plan may use.
struct Share {
  Gpu gpu;
  /// At once.
  std::int64_t most_blocks;

  /// With so many to a multiprocessor, the most that run at once.
  std::int64_t blocks(std::int64_t to_a_multiprocessor) const noexcept {
    return std::min(to_a_multiprocessor * gpu.multiprocessors, most_blocks);
  }
};

/// Rows of blocks for `count` things, `each` of them in a block, `most` blocks.
unsigned blocks_for(std::int64_t count, std::int64_t each, std::int64_t most) noexcept;

template <class Parameters>
Launch& add_launch(Launches& launches, const Kernel* kernel, const Parameters& parameters) noexcept {
  static_assert(sizeof(Parameters) <= std::tuple_size_v<decltype(Launch::parameters)>);
  Launch& launch = launches.list[static_cast<std::size_t>(launches.count++)];
  launch.kernel = kernel;
  std::memcpy(launch.parameters.data(), &parameters, sizeof parameters);
  return launch;
}

/// Lines that tell how rows are done.
std::string explain_rows(const RowTuning& tuning, Access access);

std::unique_ptr<LaunchPlan> plan_grad(const Problem& problem, const Share& share);
std::unique_ptr<LaunchPlan> plan_forward(const Problem& problem, const Share& share);

}  // namespace alng::impl::cuda

#endif
