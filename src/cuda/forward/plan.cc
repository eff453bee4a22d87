// The forward's launches.
#include "cuda/plan.h"

#include <algorithm>
#include <array>
#include <optional>

#include "cuda/forward/kernels.h"

namespace alng::impl::cuda {
namespace {

/// One way to do the rows.
struct Way {
  /// Nothing: long rows.
  std::optional<RowTuning> rows;
  Access access = Access::plain;
  const Kernel* kernel = nullptr;
  unsigned blocks = 1;
};

class ForwardPlan final : public LaunchPlan {
 public:
  ForwardPlan(const Problem& problem, const Share& share)
      : problem_(problem), share_(share), views_(views_of(problem)) {
    if (problem.rows() == 0) return;
    if (problem.columns() == 0) {
      statistics_ = find_kernel(name(Pass::statistics, Access::plain, 0));
      uses_.push_back({statistics_, 0});
      return;
    }
    for (const Access access : staged_accesses(problem, share.gpu, elements, outputs)) add_way(access);
    if (ways_.empty() || ways_.back().access != Access::runs) add_long_rows();
  }

  std::size_t workspace_size() const noexcept override { return 0; }
  std::span<const Use> uses() const noexcept override { return uses_; }
  int blocks() const noexcept override { return ways_.empty() ? 1 : static_cast<int>(ways_.front().blocks); }

  std::string explain() const override {
    std::string text;
    for (const Way& way : ways_) {
      if (&way != &ways_.front()) text += "where a tensor does not lie on 16 bytes:\n";
      text += way.rows ? explain_rows(*way.rows, way.access)
                       : "rows: one to a block of " + std::to_string(group_threads(problem_.columns())) +
                             " threads, read three times\n";
    }
    return text;
  }

  Launches launches(const Arguments& arguments) const noexcept override {
    Launches launches;
    const auto view = [&](std::size_t place) { return at(views_, arguments, place); };
    if (statistics_ != nullptr) {
      const EmptyStatistics p{view(forward::mean), view(forward::rstd), problem_.rows()};
      Launch& launch = add_launch(launches, statistics_, p);
      launch.grid_x = blocks_for(problem_.rows(), 256, share_.blocks(8));
      launch.threads = 256;
    }
    if (ways_.empty()) return launches;
    const Way& way = way_for(arguments);
    ForwardRows p{};
    p.tensors[0] = view(forward::x1);
    p.tensors[1] = view(forward::x2);
    p.gamma = view(forward::gamma);
    p.beta = view(forward::beta);
    p.y = view(forward::y);
    p.mean = view(forward::mean);
    p.rstd = view(forward::rstd);
    p.x = view(forward::x);
    if (way.rows) p.shape = way.rows->shape;
    p.rows = problem_.rows();
    p.columns = problem_.columns();
    p.inverse_columns = inverse_of(problem_.columns());
    p.eps = problem_.eps();
    p.round_sum = problem_.round_sum();
    Launch& launch = add_launch(launches, way.kernel, p);
    launch.grid_x = way.blocks;
    launch.cluster = way.rows ? static_cast<unsigned>(way.rows->cluster) : 1;
    launch.threads = way.rows ? way.rows->threads : group_threads(problem_.columns());
    launch.shared_bytes = way.rows ? way.rows->shared_bytes : long_rows_shared;
    return launches;
  }

 private:
  static constexpr std::array<int, 4> elements = {forward::x1, forward::x2, forward::y, forward::x};
  static constexpr std::array<int, 2> outputs = {forward::y, forward::x};
  // [2][2][32] floats.
  static constexpr unsigned long_rows_shared = 512;

  KernelName name(Pass pass, Access access, int row_threads) const noexcept {
    return {Kind::forward, pass, problem_.dtype(), access, row_threads};
  }

  void add_way(Access access) {
    const auto staged = [&](std::size_t t) { return problem_.has(t); };
    const StageNeeds needs{access,
                           problem_.columns(),
                           static_cast<std::int64_t>(dtype_size(problem_.dtype())),
                           {staged(forward::x1), staged(forward::x2), false, false},
                           -1,
                           2,
                           false};
    Way way;
    way.rows = tune_rows(needs, share_.gpu);
    if (!way.rows) return;
    way.access = access;
    way.kernel = find_kernel(name(Pass::rows, access, way.rows->row_threads));
    way.blocks =
        static_cast<unsigned>(way.rows->cluster) *
        blocks_for(problem_.rows(), way.rows->shape.streams * way.rows->rows_at_once, share_.clusters(*way.rows));
    uses_.push_back({way.kernel, way.rows->shared_bytes, static_cast<unsigned>(way.rows->cluster), way.rows->threads});
    ways_.push_back(way);
  }

  void add_long_rows() {
    Way way;
    way.kernel = find_kernel(name(Pass::long_rows, Access::plain, 0));
    way.blocks = blocks_for(problem_.rows(), 1, share_.blocks(2));
    uses_.push_back({way.kernel, long_rows_shared});
    ways_.push_back(way);
  }

  const Way& way_for(const Arguments& arguments) const noexcept {
    return on_16_bytes(problem_, elements, arguments) ? ways_.front() : ways_.back();
  }

  Problem problem_;
  Share share_;
  Views views_;
  /// The first where the tensors' addresses allow it, else the last.
  std::vector<Way> ways_;
  std::vector<Use> uses_;
  const Kernel* statistics_ = nullptr;
};

}  // namespace

std::unique_ptr<LaunchPlan> plan_forward(const Problem& problem, const Share& share) {
  return std::make_unique<ForwardPlan>(problem, share);
}

}  // namespace alng::impl::cuda
