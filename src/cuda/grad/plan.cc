// The gradient's launches.
#include "cuda/plan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "cuda/grad/kernels.h"
#include "order/leaves.h"
#include "order/row_sum.h"

namespace alng::impl::cuda {
namespace {

constexpr std::int64_t group_columns = group_segments * segment_terms;
constexpr std::int64_t long_rows_columns = 16 * long_rows_threads;
// Blocks of 256 threads that a multiprocessor has room for; long rows have no other way to hide what memory takes.
constexpr int long_rows_blocks = 8;
constexpr std::size_t workspace_alignment = 256;

/// One way to do the rows.
struct Way {
  /// Nothing: long rows.
  std::optional<RowTuning> rows;
  Access access = Access::plain;
  const Kernel* kernel = nullptr;
  Units units{};
  /// In each of which shape.streams streams are, or one for each row of the grid of long rows.
  unsigned blocks = 1;
  std::int64_t streams = 1;
};

class GradPlan final : public LaunchPlan {
 public:
  GradPlan(const Problem& problem, const Share& share) : problem_(problem), share_(share), views_(views_of(problem)) {
    if (problem.columns() == 0) return;
    columns_ = find_kernel(name(Pass::columns, Access::plain, 0));
    own_units_ = 1;
    if (problem.rows() > 0) {
      if (problem.has(grad::dx)) {
        for (const Access access : staged_accesses(problem, share.gpu, elements, outputs)) add_way(access);
      }
      if (ways_.empty() || ways_.back().access != Access::runs) add_long_rows();
    }
    if (wants_sums()) {
      std::int32_t units = 0;
      for (const Way& way : ways_) units = std::max(units, way.units.units);
      while (units > 32 * own_units_) own_units_ *= 2;
      use(columns_, columns_shared(units));
    }
  }

  std::size_t workspace_size() const noexcept override {
    std::size_t most = 0;
    for (const Way& way : ways_) most = std::max(most, memory_of(way).end);
    return most == 0 ? 0 : most + workspace_alignment - 1;
  }
  std::span<const Use> uses() const noexcept override { return uses_; }
  int blocks() const noexcept override { return ways_.empty() ? 1 : static_cast<int>(ways_.front().blocks); }

  std::string explain() const override {
    std::string text;
    for (const Way& way : ways_) {
      if (&way != &ways_.front()) text += "where a tensor does not lie on 16 bytes:\n";
      text += way.rows ? explain_rows(*way.rows, way.access)
                       : "rows: in tiles of " + std::to_string(long_rows_columns) + " columns" +
                             (problem_.has(grad::dx) ? ", read twice" : "") + "\n";
      text += "leaves: " + std::to_string(way.units.leaves) + ", in units of " + std::to_string(way.units.unit_leaves) +
              " on " + std::to_string(way.streams) + " streams\n";
    }
    return text;
  }

  Launches launches(const Arguments& arguments) const noexcept override {
    Launches launches;
    if (problem_.columns() == 0) return launches;
    if (ways_.empty()) {
      add_columns(launches, arguments, nullptr, 0);
      return launches;
    }
    const Way& way = way_for(arguments);
    const Memory memory = memory_of(way);
    std::byte* const workspace = arguments.workspace_aligned_to(workspace_alignment);
    const auto floats = [&](std::size_t offset) { return reinterpret_cast<float*>(workspace + offset); };
    Units units = way.units;
    if (wants_sums()) {
      units.sums = floats(memory.sums);
      units.pending = floats(memory.pending);
    }
    if (way.rows) {
      add_rows(launches, arguments, way, units);
    } else {
      add_long_rows(launches, arguments, way, units, floats(memory.group_sums), floats(memory.means));
    }
    if (wants_sums()) add_columns(launches, arguments, units.sums, units.units);
    return launches;
  }

 private:
  /// Offsets of what lies in the workspace.
  struct Memory {
    std::size_t sums = 0, pending = 0, group_sums = 0, means = 0, end = 0;
  };

  KernelName name(Pass pass, Access access, int row_threads) const noexcept {
    return {Kind::grad, pass, problem_.dtype(), access, row_threads};
  }
  bool wants_sums() const noexcept { return problem_.has(grad::dgamma) || problem_.has(grad::dbeta); }
  std::int64_t groups() const noexcept { return (problem_.columns() + group_columns - 1) / group_columns; }
  std::int64_t tiles() const noexcept { return (problem_.columns() + long_rows_columns - 1) / long_rows_columns; }
  std::int32_t padded() const noexcept { return static_cast<std::int32_t>((problem_.columns() + 3) / 4 * 4); }
  unsigned columns_shared(std::int32_t units) const noexcept { return 128 * columns_rows(units); }
  // Rows of threads of a block of column_pass.
  unsigned columns_rows(std::int32_t units) const noexcept {
    return static_cast<unsigned>(std::max(1, (units + own_units_ - 1) / own_units_));
  }

  void use(const Kernel* kernel, unsigned shared_bytes) { uses_.push_back({kernel, shared_bytes}); }

  void add_way(Access access) {
    const auto staged = [&](std::size_t t) { return problem_.has(t); };
    const StageNeeds needs{access,
                           problem_.columns(),
                           static_cast<std::int64_t>(dtype_size(problem_.dtype())),
                           {staged(grad::dy), staged(grad::x1), staged(grad::x2), staged(grad::dsum)},
                           access == Access::runs ? -1 : 3,
                           1,
                           true};
    Way way;
    way.rows = tune_rows(needs, share_.gpu);
    if (!way.rows) return;
    way.access = access;
    way.kernel = find_kernel(name(Pass::rows, access, way.rows->row_threads));
    const std::int64_t streams = way.rows->shape.streams;
    divide(way, streams * share_.clusters(*way.rows));
    way.blocks = blocks_for(way.streams, streams, way.streams);
    way.streams = way.blocks * streams;
    way.blocks *= static_cast<unsigned>(way.rows->cluster);
    uses_.push_back({way.kernel, way.rows->shared_bytes, static_cast<unsigned>(way.rows->cluster), way.rows->threads});
    ways_.push_back(way);
  }

  void add_long_rows() {
    Way way;
    way.kernel = find_kernel(name(Pass::long_rows, Access::plain, 0));
    divide(way, std::max<std::int64_t>(1, share_.blocks(long_rows_blocks) / tiles()));
    way.blocks = static_cast<unsigned>(std::min<std::int64_t>(way.streams * tiles(), 1 << 30));
    use(way.kernel, 0);
    if (problem_.has(grad::dx)) {
      row_sums_ = find_kernel(name(Pass::row_sums, Access::plain, 0));
      row_means_ = find_kernel(name(Pass::row_means, Access::plain, 0));
      use(row_sums_, row_sums_shared);
      use(row_means_, 0);
    }
    ways_.push_back(way);
  }

  // Leaves among at most so many streams: in the largest units with which no stream has more leaves than it must, which
  // leaves the fewest sums to add.
  void divide(Way& way, std::int64_t most_streams) const {
    // With fewer streams one could have more than 2^31 rows.
    most_streams = std::max(most_streams, (problem_.rows() >> 30) + 1);
    const std::int64_t leaves = leaf_count(problem_.rows(), problem_.columns());
    std::int64_t best = leaves + 1, unit = 1;
    for (std::int64_t n = 1; n < 2 * leaves; n *= 2) {
      const std::int64_t units = (leaves + n - 1) / n;
      const std::int64_t longest = (units + most_streams - 1) / most_streams * n;
      if (longest > best) continue;
      best = longest;
      unit = n;
    }
    Units& units = way.units;
    units.leaf_rows = problem_.rows() / leaves;
    units.rows_left = static_cast<std::int32_t>(problem_.rows() % leaves);
    units.leaves = static_cast<std::int32_t>(leaves);
    units.unit_leaves = static_cast<std::int32_t>(unit);
    units.units = static_cast<std::int32_t>((leaves + unit - 1) / unit);
    units.levels = 1 + std::bit_width(static_cast<std::uint32_t>(unit));
    units.padded = padded();
    const std::int64_t each = (units.units + most_streams - 1) / most_streams;
    way.streams = (units.units + each - 1) / each;
  }

  Memory memory_of(const Way& way) const noexcept {
    Memory memory;
    const auto take = [&](std::size_t& offset, std::int64_t floats) {
      offset = memory.end;
      memory.end += (static_cast<std::size_t>(floats) * sizeof(float) + workspace_alignment - 1) / workspace_alignment *
                    workspace_alignment;
    };
    if (wants_sums()) {
      take(memory.sums, std::int64_t{2} * way.units.units * padded());
      take(memory.pending, 2 * way.streams * way.units.levels * padded());
    }
    if (!way.rows && problem_.has(grad::dx)) {
      take(memory.group_sums, 2 * problem_.rows() * groups());
      take(memory.means, 2 * problem_.rows());
    }
    return memory;
  }

  const Way& way_for(const Arguments& arguments) const noexcept {
    return on_16_bytes(problem_, elements, arguments) ? ways_.front() : ways_.back();
  }

  View view(const Arguments& arguments, std::size_t place) const noexcept { return at(views_, arguments, place); }

  void add_rows(Launches& launches, const Arguments& arguments, const Way& way, const Units& units) const noexcept {
    RowPass p{};
    p.tensors[0] = view(arguments, grad::dy);
    p.tensors[1] = view(arguments, grad::x1);
    p.tensors[2] = view(arguments, grad::x2);
    p.tensors[3] = view(arguments, grad::dsum);
    p.rstd = view(arguments, grad::rstd);
    p.mean = view(arguments, grad::mean);
    p.gamma = view(arguments, grad::gamma);
    p.dx = view(arguments, grad::dx);
    p.shape = way.rows->shape;
    p.units = units;
    p.inverse_columns = inverse_of(problem_.columns());
    Launch& launch = add_launch(launches, way.kernel, p);
    launch.grid_x = way.blocks;
    launch.threads = way.rows->threads;
    launch.cluster = static_cast<unsigned>(way.rows->cluster);
    launch.shared_bytes = way.rows->shared_bytes;
  }

  void add_long_rows(Launches& launches, const Arguments& arguments, const Way& way, const Units& units,
                     float* group_sums, float* means) const noexcept {
    const bool wants_dx = problem_.has(grad::dx);
    const View dy = view(arguments, grad::dy), x1 = view(arguments, grad::x1), x2 = view(arguments, grad::x2),
               rstd = view(arguments, grad::rstd), mean = view(arguments, grad::mean),
               gamma = view(arguments, grad::gamma);
    if (wants_dx) {
      const auto many = static_cast<std::int32_t>(groups());
      const RowSums sums{dy, x1, x2, rstd, mean, gamma, problem_.rows(), problem_.columns(), many, group_sums};
      Launch& first = add_launch(launches, row_sums_, sums);
      first.grid_x = blocks_for(problem_.rows() * many, 1, share_.blocks(2));
      first.threads = group_threads(problem_.columns());
      first.shared_bytes = row_sums_shared;
      const RowMeans row_means{problem_.rows(), many, inverse_of(problem_.columns()), group_sums, means};
      Launch& second = add_launch(launches, row_means_, row_means);
      second.grid_x = blocks_for(2 * problem_.rows(), 256, share_.blocks(8));
      second.threads = 256;
      second.early = share_.gpu.architecture >= 90;
    }
    LongRows p{};
    p.dy = dy;
    p.x1 = x1;
    p.x2 = x2;
    p.rstd = rstd;
    p.mean = mean;
    p.gamma = gamma;
    p.dsum = view(arguments, grad::dsum);
    p.dx = view(arguments, grad::dx);
    p.columns = problem_.columns();
    p.wants_h = wants_dx || problem_.has(grad::dgamma);
    p.means = wants_dx ? means : nullptr;
    p.units = units;
    Launch& launch = add_launch(launches, way.kernel, p);
    launch.grid_x = static_cast<unsigned>(tiles());
    launch.grid_y = static_cast<unsigned>(way.streams);
    launch.threads = long_rows_threads;
    launch.early = wants_dx && share_.gpu.architecture >= 90;
  }

  void add_columns(Launches& launches, const Arguments& arguments, const float* sums,
                   std::int32_t units) const noexcept {
    ColumnPass p{};
    p.out[0] = view(arguments, grad::dgamma);
    p.out[1] = view(arguments, grad::dbeta);
    p.sums = sums;
    p.columns = problem_.columns();
    p.padded = padded();
    p.units = units;
    p.own_units = own_units_;
    p.accumulate = problem_.accumulate();
    Launch& launch = add_launch(launches, columns_, p);
    launch.grid_x = blocks_for(problem_.columns(), 32, problem_.columns());
    launch.grid_y = 2;
    launch.threads = 32 * columns_rows(units);
    launch.shared_bytes = columns_shared(units);
    launch.early = launches.count > 1 && share_.gpu.architecture >= 90;
  }

  static constexpr std::array<int, 5> elements = {grad::dy, grad::x1, grad::x2, grad::dsum, grad::dx};
  static constexpr std::array<int, 1> outputs = {grad::dx};
  // [2][32] floats.
  static constexpr unsigned row_sums_shared = 256;

  Problem problem_;
  Share share_;
  Views views_;
  /// The first where the tensors' addresses allow it, else the last.
  std::vector<Way> ways_;
  std::vector<Use> uses_;
  const Kernel* columns_ = nullptr;
  const Kernel* row_sums_ = nullptr;
  const Kernel* row_means_ = nullptr;
  std::int32_t own_units_ = 1;
};

}  // namespace

std::unique_ptr<LaunchPlan> plan_grad(const Problem& problem, const Share& share) {
  return std::make_unique<GradPlan>(problem, share);
}

}  // namespace alng::impl::cuda
