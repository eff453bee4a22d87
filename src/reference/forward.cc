// AddLayerNorm, row by row.
#include "reference/canonical.h"
#include "reference/walk.h"

namespace alng::impl::reference {
namespace {

class Forward : Walk {
 public:
  using Walk::Walk;

  static constexpr std::int64_t scratch_rows = 7;

  void run() noexcept {
    canonical::ForwardRow row{};
    row.columns = columns_;
    row.eps = problem_.eps();
    row.gamma = read_row(forward::gamma, 0, take());
    row.beta = read_row(forward::beta, 0, take());
    float* const x = take();
    float* const x2_memory = take();
    float *const c = take(), *const squares = take(), *const y = take();
    row.x = x;
    for (std::int64_t r = 0; r < problem_.rows(); ++r) {
      read_row(forward::x1, r, x);
      const float* const x2 = read_row(forward::x2, r, x2_memory);
      for (std::int64_t j = 0; j < columns_; ++j) {
        if (x2 != nullptr) x[j] = x[j] + x2[j];
        if (problem_.round_sum()) x[j] = rounded(x[j], problem_.dtype());
      }
      const canonical::Statistics statistics = canonical::forward_row(row, c, squares, y);
      write_row(forward::y, r, y);
      write_row(forward::x, r, x);
      if (problem_.has(forward::mean)) store(statistics.mean, of_row(forward::mean, r), DType::float32);
      if (problem_.has(forward::rstd)) store(statistics.rstd, of_row(forward::rstd, r), DType::float32);
    }
  }
};

}  // namespace

std::int64_t forward_scratch(const Problem& problem) noexcept { return Forward::scratch_rows * problem.columns(); }

void run_forward(const Problem& problem, const Arguments& arguments) noexcept { Forward(problem, arguments).run(); }

}  // namespace alng::impl::reference
