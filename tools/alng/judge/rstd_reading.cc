#include "judge/rstd_reading.h"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace alng::cli
