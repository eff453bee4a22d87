// What the plans of both operators share.
#ifndef ALNG_CUDA_PLAN_H
#define ALNG_CUDA_PLAN_H

#include <algorithm>
#include <array>
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

/// The problem's tensors by place, without their addresses; all zero where there is none. Looked at once, when the plan
/// is made.
using Views = std::array<View, max_operands>;
Views views_of(const Problem& problem) noexcept;
inline View at(const Views& views, const Arguments& arguments, std::size_t place) noexcept {
  View view = views[place];
  view.data = static_cast<std::byte*>(arguments.data[place]);
  return view;
}

/// Whether these tensors, as many of them as there are, lie on 16 bytes.
bool on_16_bytes(const Problem& problem, std::span<const int> places, const Arguments& arguments) noexcept;
/// How rows may come into shared memory, the best first: in vectors where the layouts of `elements` allow it, by words
/// where the columns of every output are one stride apart. None where rows are too long or too many for it.
std::vector<Access> staged_accesses(const Problem& problem, const Gpu& gpu, std::span<const int> elements,
                                    std::span<const int> outputs);

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
  /// The same of clusters; one is the least that can be.
  std::int64_t clusters(const RowTuning& rows) const noexcept {
    return std::max<std::int64_t>(1, std::min<std::int64_t>(rows.most_blocks, most_blocks) / rows.cluster);
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
