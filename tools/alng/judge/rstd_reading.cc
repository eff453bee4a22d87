#include "judge/rstd_reading.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace alng::cli {

RstdReading::RstdReading(std::int64_t columns)
    : slack_(0.02 + 1 / static_cast<double>(std::max<std::int64_t>(1, columns - 1))) {}

void RstdReading::add_row(double rstd, double variance) {
  const auto fits = [&](double read) {
    const double eps = read - variance;
    return eps >= -0.02 * variance && eps <= 0.1 + slack_ * variance;
  };
  const std::array<bool, 3> others{fits(rstd * rstd), fits(rstd), fits(1 / rstd)};
  if (!fits(1 / (rstd * rstd))) {
    ++misfits_;
    for (std::size_t i = 0; i < others.size(); ++i) others_[i] += others[i] ? 1 : 0;
  } else if (std::ranges::none_of(others, [](bool other) { return other; })) {
    ++fits_;
  }
}

std::string RstdReading::warning() const {
  constexpr std::array<const char*, 3> names{"the standard deviation", "the variance", "1 / the variance"};
  const auto most = std::ranges::max_element(others_);
  if (misfits_ <= 3 * fits_ || 4 * *most <= 3 * misfits_) return {};
  return fmt::format("rstd looks like {} of x1 + x2 ({} of {} rows) but must be 1 / sqrt(variance + eps)",
                     names[static_cast<std::size_t>(most - others_.begin())], *most, misfits_ + fits_);
}

double implied_eps(const DenseGrad& problem) {
  struct Implied {
    double eps, weight;
  };
  std::vector<Implied> rows;
  std::vector<double> x(static_cast<std::size_t>(problem.columns));
  const auto n = static_cast<double>(problem.columns);
  const std::int64_t step = problem.rows / 1000 + 1;
  double all = 0;
  for (std::int64_t row = 0; row < problem.rows && problem.columns > 0; row += step) {
    problem.read_x(row, x.data());
    double sum = 0, squares = 0;
    // About the mean as given, which is near enough that nothing cancels.
    const double mean = problem.mean.value(row), rstd = problem.rstd.value(row);
    for (const double value : x) {
      sum += value - mean;
      squares += (value - mean) * (value - mean);
    }
    const double eps = 1 / (rstd * rstd) - (squares / n - sum / n * (sum / n));
    const double weight = rstd * rstd;
    if (!std::isfinite(eps) || !std::isfinite(weight)) continue;
    rows.push_back({eps, weight});
    all += weight;
  }
  std::ranges::sort(rows, {}, &Implied::eps);
  double below = 0;
  for (const Implied& row : rows) {
    below += row.weight;
    if (below >= all / 2) return std::max(0.0, row.eps);
  }
  return 0;
}

}  // namespace alng::cli
