#include "judge/finite_differences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "judge/element.h"

namespace alng::cli {
namespace {

// In units of each row's standard deviation. The error of a central difference is h^2/6 times a third derivative that
// is at most 15 * sqrt(D) * |w|: 2.5e-10 * sqrt(D) * |w|. Values are summed in double about the row's mean, so their
// rounding, divided by the step, is some 1e-11 * sqrt(D) * |w|. `difference_error` covers both; float32's own errors
// are hundreds of times more.
constexpr double step = 1e-5;
constexpr double difference_error = 1e-9;

// A direction of random signs is independent of the errors e, so their inner product is rarely beyond a few |e|: more
// than 7 |e| has a chance of 2*exp(-49/2) = 5e-11 (Hoeffding), on a million rows 5e-5.
constexpr double deviations = 7;

void random_signs(std::mt19937_64& random, std::span<double> out) {
  std::uint64_t bits = 0;
  for (std::size_t j = 0; j < out.size(); ++j, bits >>= 1) {
    if (j % 64 == 0) bits = random();
    out[j] = (bits & 1) != 0 ? 1.0 : -1.0;
  }
}

}  // namespace

FiniteDifferences::FiniteDifferences(std::int64_t columns, std::uint64_t seed)
    : columns_(columns),
      random_(seed),
      direction_(static_cast<std::size_t>(columns)),
      gamma_direction_(direction_.size()),
      beta_direction_(direction_.size()),
      centred_(direction_.size()),
      moved_(direction_.size()),
      reading_(columns) {
  random_signs(random_, gamma_direction_);
  random_signs(random_, beta_direction_);
}

// The row's part of L at x + step * std * direction, gamma + gamma_step * ..., beta = beta_step * .... LayerNorm does
// not see a constant added to a row, so it is given x - mean, which double holds exactly.
double FiniteDifferences::forward(const ForwardRow& row, double x_step, double gamma_step, double beta_step) {
  const auto n = static_cast<double>(columns_);
  double sum = 0;
  for (std::size_t j = 0; j < moved_.size(); ++j) {
    moved_[j] = centred_[j] + x_step / row.rstd * direction_[j];
    sum += moved_[j];
  }
  const double mean = sum / n;
  double squares = 0;
  for (const double x : moved_) squares += (x - mean) * (x - mean);
  const double rstd = 1 / std::sqrt(squares / n + eps_);
  double value = 0;
  for (std::size_t j = 0; j < moved_.size(); ++j) {
    const double normalized = (moved_[j] - mean) * rstd;
    value +=
        row.dy[j] * ((row.gamma[j] + gamma_step * gamma_direction_[j]) * normalized + beta_step * beta_direction_[j]);
  }
  return value;
}

void FiniteDifferences::add_row(const ForwardRow& row, std::span<const double> dx_ln, std::span<const double> error) {
  ++rows_;
  const auto n = static_cast<double>(columns_);
  double sum = 0;
  for (std::size_t j = 0; j < centred_.size(); ++j) {
    centred_[j] = row.x[j] - row.mean;
    sum += centred_[j];
  }
  const double shift = -sum / n * row.rstd;  // d above
  double squares = 0, s1 = 0, s2 = 0, w_squares = 0;
  for (std::size_t j = 0; j < centred_.size(); ++j) {
    const double c = centred_[j] - sum / n;
    const double w = row.dy[j] * row.gamma[j];
    squares += c * c;
    s1 += w;
    s2 += w * c * row.rstd;
    w_squares += w * w;
  }
  eps_ = 1 / (row.rstd * row.rstd) - squares / n;
  reading_.add_row(row.rstd, squares / n);
  least_eps_ = std::min(least_eps_, eps_);
  most_eps_ = std::max(most_eps_, eps_);
  largest_shift_ = std::max(largest_shift_, std::abs(shift));
  // The allowed error of a float32 forward: the rounding of the mean, and of a sum of numbers of the size of std.
  const double rounding = (std::abs(row.mean) * row.rstd + 1) * 0x1p-24;
  largest_shift_roundings_ = std::max(largest_shift_roundings_, std::abs(shift) / rounding);

  random_signs(random_, direction_);
  if (!dx_ln.empty()) {
    const double difference = (forward(row, step, 0, 0) - forward(row, -step, 0, 0)) / (2 * step);
    const double m1 = s1 / n, m2 = s2 / n;
    double found = 0, correction = 0, error_squares = 0;
    for (std::size_t j = 0; j < centred_.size(); ++j) {
      const double v = direction_[j] / row.rstd;
      const double h = (centred_[j] - sum / n) * row.rstd;
      found += dx_ln[j] * v;
      correction += row.rstd * shift * (m2 + h * m1 - shift * m1) * v;
      error_squares += error[j] * v * error[j] * v;
    }
    const double allowed = deviations * std::sqrt(error_squares) + difference_error * std::sqrt(n * w_squares);
    const double off = std::abs(found - (difference + correction));
    if (off > 0) worst_ = std::max(worst_, off / allowed);
  }
  // L is linear in gamma and beta: a step of 1 has no error of its own.
  gamma_difference_ += (forward(row, 0, 1, 0) - forward(row, 0, -1, 0)) / 2;
  beta_difference_ += (forward(row, 0, 0, 1) - forward(row, 0, 0, -1)) / 2;
  for (std::size_t j = 0; j < centred_.size(); ++j) gamma_difference_ -= shift * row.dy[j] * gamma_direction_[j];
}

void FiniteDifferences::report_dx(Verification& verification) const {
  verification.checks.push_back({"dx", "finite differences, worst row / allowed", worst_, 1});
}

void FiniteDifferences::report_sum(Verification& verification, const std::string& name, std::span<const double> sum,
                                   double error) const {
  if (skipped_ > 0 || !std::ranges::all_of(sum, [](double value) { return std::isfinite(value); })) return;
  const bool is_gamma = name == "dgamma";
  double found = 0;
  for (std::size_t j = 0; j < sum.size(); ++j) found += sum[j] * (is_gamma ? gamma_direction_ : beta_direction_)[j];
  const double off = std::abs(found - (is_gamma ? gamma_difference_ : beta_difference_));
  const double allowed = deviations * error * std::sqrt(static_cast<double>(columns_));
  verification.checks.push_back({name, "finite difference / allowed", off == 0 ? 0 : off / allowed, 1});
}

void FiniteDifferences::report_statistics(Verification& verification) const {
  if (rows_ > 0) {
    verification.notes.push_back(
        fmt::format("mean is off E[x1 + x2] by {:.2g} std at most, {:.1f} times 2^-24 of |mean| + std; "
                    "eps implied by rstd: {:.3g} to {:.3g}",
                    largest_shift_, largest_shift_roundings_, least_eps_, most_eps_));
  }
  if (std::string warning = reading_.warning(); !warning.empty()) verification.warnings.push_back(std::move(warning));
  if (skipped_ > 0) {
    verification.notes.push_back(fmt::format(
        "finite differences: {} rows with NaN, infinity or overflow are left out, and dgamma and dbeta with them",
        skipped_));
  }
}

namespace {

ForwardProblem row_of(const DenseForward& problem) {
  ForwardDescription description = ForwardDescription::dense(DType::float32, 1, problem.columns);
  description.x2.reset();
  description.x.reset();
  description.mean.reset();
  description.rstd.reset();
  description.eps = problem.eps;
  return or_fail(ForwardProblem::create(description));
}

std::vector<float> floats_of(const std::optional<DenseTensor>& column, float absent, std::int64_t columns) {
  std::vector<float> values(static_cast<std::size_t>(columns), absent);
  for (std::size_t j = 0; column && j < values.size(); ++j) {
    values[j] = static_cast<float>(column->value(static_cast<std::int64_t>(j)));
  }
  return values;
}

}  // namespace

PairDifferences::PairDifferences(const DenseForward& problem, const PlanOptions& options, std::uint64_t seed)
    : random_(seed),
      direction_(static_cast<std::size_t>(problem.columns)),
      gamma_(floats_of(problem.gamma, 1, problem.columns)),
      beta_(floats_of(problem.beta, 0, problem.columns)),
      above_(direction_.size()),
      below_(direction_.size()),
      y_(direction_.size()),
      plan_(or_fail(ForwardPlan::create(row_of(problem), options))),
      workspace_(plan_.workspace_size()) {
  if (!plan_.memory()) return;
  on_device_.emplace(plan_);
  on_device_->upload(forward::gamma, gamma_.data());
  on_device_->upload(forward::beta, beta_.data());
}

std::span<const float> PairDifferences::forward(std::span<const float> x) {
  if (on_device_) {
    on_device_->upload(forward::x1, x.data());
    or_fail(plan_.run(on_device_->arguments()));
    on_device_->download(forward::y, y_.data());
    return y_;
  }
  ForwardArguments arguments;
  arguments.x1 = x.data();
  arguments.gamma = gamma_.data();
  arguments.beta = beta_.data();
  arguments.y = y_.data();
  arguments.workspace = workspace_.data();
  arguments.workspace_size = workspace_.bytes().size();
  or_fail(plan_.run(arguments));
  return y_;
}

void PairDifferences::add_row(const ForwardRow& row, std::span<const double> dx_ln, std::span<const double> error) {
  const auto n = static_cast<double>(direction_.size());
  random_signs(random_, direction_);
  double sum = 0, squares = 0, largest = 0;
  for (const double x : row.x) {
    sum += x - row.mean;
    squares += (x - row.mean) * (x - row.mean);
    largest = std::max(largest, std::abs(x));
  }
  // The forward's squares overflow.
  if (squares > std::numeric_limits<float>::max() / 4) return;
  const double move = std::max(0.01 / row.rstd, 2 * half_ulp(DType::float32, largest));
  // What the mean is off E[x] by, as far as a float32 explains it.
  const double shift_limit = 4 * 0x1p-24 * (std::abs(row.mean) * row.rstd + 1);
  const double shift = std::clamp(-sum / n * row.rstd, -shift_limit, shift_limit);
  double s1 = 0, s2 = 0, w_squares = 0, scale = 0;
  for (std::size_t j = 0; j < direction_.size(); ++j) {
    above_[j] = static_cast<float>(row.x[j] + move * direction_[j]);
    below_[j] = static_cast<float>(row.x[j] - move * direction_[j]);
    const double h = (row.x[j] - row.mean - sum / n) * row.rstd;
    const double w = row.dy[j] * row.gamma[j];
    s1 += w;
    s2 += w * h;
    w_squares += w * w;
    scale = std::max(scale, std::abs(h * row.gamma[j]) + std::abs(beta_[j]));
  }
  const double m1 = s1 / n, m2 = s2 / n;
  double change = 0, found = 0, correction = 0, error_squares = 0, y_squares = 0, largest_step = 0;
  const auto add_y = [&](std::span<const float> x, double sign) {
    const std::span<const float> y = forward(x);
    for (std::size_t j = 0; j < y.size(); ++j) change += sign * row.dy[j] * static_cast<double>(y[j]);
  };
  add_y(above_, 0.5);
  add_y(below_, -0.5);
  for (std::size_t j = 0; j < direction_.size(); ++j) {
    // The steps as float32 has them: exact differences of neighbours.
    const double v = (static_cast<double>(above_[j]) - static_cast<double>(below_[j])) / 2;
    const double h = (row.x[j] - row.mean - sum / n) * row.rstd;
    found += dx_ln[j] * v;
    correction += row.rstd * shift * (m2 + h * m1 - shift * m1) * v;
    error_squares += error[j] * v * error[j] * v;
    y_squares += row.dy[j] * row.dy[j];
    largest_step = std::max(largest_step, std::abs(v) * row.rstd);
  }
  // The errors of dx, those of y (each element's own, and what the row's share: of rstd and of the mean that y is
  // about), and what a third derivative of at most 15 * sqrt(D) * |w| makes of the step.
  const double own = element_bound * scale * std::sqrt(y_squares);
  const double shared = 4 * 0x1p-24 * (std::abs(s1) + std::abs(s2));
  const double curved = 15.0 / 6 * largest_step * largest_step * largest_step * std::sqrt(n * w_squares);
  const double allowed = deviations * (std::sqrt(error_squares) + own) + shared + curved;
  const double off = std::abs(found - (change + correction));
  if (!(off <= 0)) worst_ = std::max(worst_, std::isfinite(off / allowed) ? off / allowed : INFINITY);
}

void PairDifferences::report(Verification& verification) const {
  verification.checks.push_back({"dx", "differences of our forward, worst row / allowed", worst_, 1});
}

}  // namespace alng::cli
