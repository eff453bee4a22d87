#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "judge/element.h"
#include "judge/element_errors.h"
#include "judge/expected_errors.h"
#include "judge/verification.h"

namespace alng::cli {
namespace {

// mean or rstd, a value for each row.
class StatisticErrors {
 public:
  StatisticErrors(std::string name, const char* measure, double bound)
      : name_(std::move(name)), measure_(measure), bound_(bound) {}

  // `size`: what the error is a part of.
  void add(double found, double oracle, double size) {
    if (!std::isfinite(found) || !std::isfinite(oracle)) {
      // Beside an infinite x the order's mean is NaN, the repair of an infinity.
      const bool repaired = std::isinf(oracle) && std::isnan(found);
      if (!repaired && !same_kind(found, round_to(DType::float32, oracle))) ++misplaced_;
      return;
    }
    const double unit = std::max<double>(size, std::numeric_limits<float>::min());
    worst_ = std::max(worst_, std::abs(found - oracle) / unit);
  }
  void report(Verification& verification) const {
    verification.checks.push_back({name_, measure_, worst_, bound_});
    verification.checks.push_back({name_, "NaN or infinity out of place", static_cast<double>(misplaced_), 0});
  }

 private:
  std::string name_;
  const char* measure_;
  double bound_;
  double worst_ = 0;
  std::int64_t misplaced_ = 0;
};

class Verifier {
 public:
  Verifier(const DenseForward& problem, const ForwardResults& results, const ForwardResults& expected)
      : problem_(problem),
        results_(results),
        expected_(expected),
        y_errors_("y", problem.x1.dtype(), false),
        gamma_(static_cast<std::size_t>(problem.columns), 1.0),
        beta_(gamma_.size(), 0.0),
        y_(gamma_.size()),
        lost_(gamma_.size()) {
    if (problem.gamma) problem.gamma->read(0, problem.columns, gamma_.data());
    if (problem.beta) problem.beta->read(0, problem.columns, beta_.data());
  }

  Verification run(const std::function<void(std::int64_t)>& advance) {
    // A million elements at a time, as of the gradient.
    const std::int64_t columns = problem_.columns;
    const std::int64_t piece = std::max<std::int64_t>(1, (1 << 20) / std::max<std::int64_t>(1, columns));
    std::vector<double> y, x, mean, rstd;
    for (std::int64_t row = 0; row < problem_.rows && columns > 0; row += piece) {
      const std::int64_t count = std::min(piece, problem_.rows - row);
      for (auto* elements : {&y, &x}) elements->resize(static_cast<std::size_t>(count * columns));
      for (auto* statistics : {&mean, &rstd}) statistics->resize(static_cast<std::size_t>(count));
      problem_.oracle(row, count, {y.data(), mean.data(), rstd.data(), x.data()});
      for (std::int64_t i = 0; i < count; ++i) {
        const auto of_row = [&](const std::vector<double>& elements) {
          return std::span(elements).subspan(static_cast<std::size_t>(i * columns), y_.size());
        };
        const auto place = static_cast<std::size_t>(i);
        add_row({row + i, of_row(x), of_row(y), mean[place], rstd[place]});
      }
      advance(count);
    }
    return report();
  }

 private:
  // The oracle's.
  struct Row {
    std::int64_t index;
    std::span<const double> x, y;
    double mean, rstd;
  };

  void add_row(const Row& row) {
    double scale = 0, magnitudes = 0, squares = 0;
    bool finite = std::isfinite(row.mean) && std::isfinite(row.rstd);
    for (std::size_t j = 0; j < row.x.size(); ++j) {
      const double c = row.x[j] - row.mean;
      const double terms = std::abs(c * row.rstd * gamma_[j]) + std::abs(beta_[j]);
      // std::max drops NaN; `finite` does not.
      finite = finite && std::isfinite(terms);
      scale = std::max(scale, terms);
      magnitudes += std::abs(row.x[j]);
      squares += c * c;
    }
    const double std = std::sqrt(squares / static_cast<double>(row.x.size()));
    const double mean_size = std::max(std::abs(row.mean), std);
    constexpr double far = std::numeric_limits<float>::max() / 4;
    find_lost(row, finite && !(magnitudes <= far && squares <= far));
    const auto judge_statistic = [&](const std::optional<DenseTensor>& result, StatisticErrors& errors,
                                     const std::optional<DenseTensor>& expected, ExpectedErrors& expected_errors,
                                     double oracle, double size, float canonical) {
      if (!result) return;
      const double found = result->value(row.index);
      if (order_overflows_ && is_same(found, canonical) && (canonical == 0 || !std::isfinite(canonical))) {
        ++lost_statistics_;
        return;
      }
      errors.add(found, oracle, size);
      if (expected) expected_errors.add(expected->value(row.index), found, oracle, size);
    };
    judge_statistic(results_.mean, mean_errors_, expected_.mean, expected_mean_, row.mean, mean_size, lost_mean_);
    judge_statistic(results_.rstd, rstd_errors_, expected_.rstd, expected_rstd_, row.rstd, row.rstd, lost_rstd_);
    const std::int64_t begin = row.index * problem_.columns;
    if (results_.y) {
      y_errors_.add_row(y_, row.y, finite ? scale : INFINITY, lost_);
      for (std::size_t j = 0; expected_.y && j < y_.size(); ++j) {
        if (lost_[j] != 0) continue;
        expected_y_.add(expected_.y->value(begin + static_cast<std::int64_t>(j)), y_[j], row.y[j],
                        finite ? scale : INFINITY);
      }
    }
    for (std::size_t j = 0; results_.x && j < row.x.size(); ++j) {
      const std::int64_t index = begin + static_cast<std::int64_t>(j);
      const double found = results_.x->value(index);
      if (!is_same(found, round_to(problem_.x1.dtype(), row.x[j]))) ++wrong_sums_;
      if (expected_.x) expected_x_.add(expected_.x->value(index), found, row.x[j], std::abs(row.x[j]));
    }
  }

  static bool is_same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

  // Reads the row's y and flags its elements that are not judged: where the sums of the canonical order overflow
  // float32 (it then has no mean, or 0 for rstd) though the exact values are in range, those that are what it gives.
  void find_lost(const Row& row, bool may_overflow) {
    std::ranges::fill(lost_, char{0});
    if (results_.y) results_.y->read(row.index * problem_.columns, problem_.columns, y_.data());
    order_overflows_ = false;
    if (!may_overflow) return;
    const DType dtype = problem_.x1.dtype();
    std::vector<std::byte> y(y_.size() * dtype_size(dtype));
    problem_.canonical(row.index, y.data(), &lost_mean_, &lost_rstd_);
    order_overflows_ = !std::isfinite(lost_mean_) || !(lost_rstd_ > 0);
    for (std::size_t j = 0; order_overflows_ && results_.y && j < y_.size(); ++j) {
      if (!is_same(y_[j], load_element(dtype, &y[j * dtype_size(dtype)]))) continue;
      lost_[j] = 1;
      ++lost_elements_;
    }
  }

  Verification report() const {
    Verification verification;
    const auto beside = [&](const char* name, const std::optional<DenseTensor>& result,
                            const std::optional<DenseTensor>& expected, const ExpectedErrors& errors) {
      if (expected) errors.report(verification, name, result->dtype(), expected->dtype());
    };
    if (results_.y) {
      y_errors_.report(verification);
      report_lost(verification, "y", lost_elements_);
      beside("y", results_.y, expected_.y, expected_y_);
    }
    if (results_.mean) {
      mean_errors_.report(verification);
      beside("mean", results_.mean, expected_.mean, expected_mean_);
    }
    if (results_.rstd) {
      rstd_errors_.report(verification);
      beside("rstd", results_.rstd, expected_.rstd, expected_rstd_);
    }
    report_lost(verification, "mean and rstd", lost_statistics_);
    if (results_.x) {
      verification.checks.push_back(
          {"x", "elements other than the sum rounded once", static_cast<double>(wrong_sums_), 0});
      beside("x", results_.x, expected_.x, expected_x_);
    }
    return verification;
  }

  const DenseForward& problem_;
  const ForwardResults& results_;
  const ForwardResults& expected_;
  ElementErrors y_errors_;
  StatisticErrors mean_errors_{"mean", "max error / max(|mean|, std)", mean_bound};
  StatisticErrors rstd_errors_{"rstd", "max error / rstd", rstd_bound};
  ExpectedErrors expected_y_, expected_mean_, expected_rstd_, expected_x_;
  std::int64_t wrong_sums_ = 0;
  std::vector<double> gamma_, beta_;
  // Of one row.
  std::vector<double> y_;
  std::vector<char> lost_;
  bool order_overflows_ = false;
  float lost_mean_ = 0, lost_rstd_ = 0;
  std::int64_t lost_elements_ = 0, lost_statistics_ = 0;
};

}  // namespace

Verification verify(const DenseForward& problem, const ForwardResults& results, const ForwardResults& expected,
                    const std::function<void(std::int64_t)>& advance) {
  return Verifier(problem, results, expected).run(advance);
}

}  // namespace alng::cli
