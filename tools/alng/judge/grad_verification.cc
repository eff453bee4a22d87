#include <algorithm>
#include <cmath>
#include <limits>

#include "judge/element.h"
#include "judge/element_errors.h"
#include "judge/expected_errors.h"
#include "judge/finite_differences.h"
#include "judge/verification.h"

namespace alng::cli {
namespace {

std::vector<double> zeros(std::int64_t size) { return std::vector<double>(static_cast<std::size_t>(size), 0.0); }

/// dgamma or dbeta: the oracle's value and the norm of each column's terms.
struct Sum {
  std::string name;
  std::vector<double> oracle;
  std::vector<double> squares;

  // What an error is measured by: see sum_bound.
  double scale() const {
    double of_sums = 0, of_terms = 0;
    std::int64_t columns = 0;
    for (std::size_t j = 0; j < oracle.size(); ++j) {
      if (!finite(j)) continue;
      of_sums += oracle[j] * oracle[j];
      of_terms += squares[j];
      ++columns;
    }
    return columns == 0 ? 0 : std::sqrt(std::max(of_sums, of_terms) / static_cast<double>(columns));
  }
  bool finite(std::size_t j) const { return std::isfinite(oracle[j]) && std::isfinite(squares[j]); }

  void judge(Verification& verification, const std::vector<double>& found, double unit,
             std::span<const char> lost) const {
    double worst = 0;
    std::int64_t misplaced = 0;
    for (std::size_t j = 0; j < oracle.size(); ++j) {
      if (lost[j] != 0) continue;
      if (finite(j) && std::isfinite(found[j])) {
        worst = std::max(worst, std::abs(found[j] - oracle[j]));
      } else if (!same_kind(found[j], round_to(DType::float32, oracle[j]))) {
        ++misplaced;
      }
    }
    verification.checks.push_back({name, "max error / rms", worst == 0 ? 0 : worst / unit, sum_bound});
    verification.checks.push_back({name, "NaN or infinity out of place", static_cast<double>(misplaced), 0});
  }
};

// Flags the values of a result that are NaN or infinity where the exact ones are in range, if the canonical order gives
// no finite value there either: such are not judged. `canonical` is called once at most and returns what it gives, in
// `dtype`. Returns how many are flagged.
template <class Canonical>
std::int64_t flag_lost(DType dtype, std::span<const double> found, std::span<const double> exact, Canonical canonical,
                       std::span<char> flags) {
  std::int64_t count = 0;
  std::vector<std::byte> values;
  for (std::size_t j = 0; j < found.size(); ++j) {
    flags[j] = 0;
    if (std::isfinite(found[j]) || !std::isfinite(exact[j]) || same_kind(found[j], round_to(dtype, exact[j]))) continue;
    if (values.empty()) values = canonical();
    if (std::isfinite(load_element(dtype, &values[j * dtype_size(dtype)]))) continue;
    flags[j] = 1;
    ++count;
  }
  return count;
}

class Verifier {
 public:
  Verifier(const DenseGrad& problem, const GradResults& results, const GradResults& expected, PairDifferences* pair)
      : problem_(problem),
        results_(results),
        expected_(expected),
        pair_(pair),
        dx_errors_("dx", problem.dy.dtype(), true),
        // Any seed does: the direction must only be independent of the results' errors.
        differences_(problem.columns, 20),
        dy_(zeros(problem.columns)),
        x_(dy_),
        gamma_(dy_.size(), 1.0),
        dx_(dy_),
        dx_ln_(dy_),
        error_(dy_),
        lost_(dy_.size()),
        dgamma_{"dgamma", dy_, dy_},
        dbeta_{"dbeta", dy_, dy_} {
    if (problem.gamma) problem.gamma->read(0, problem.columns, gamma_.data());
  }

  Verification run(const std::function<void(std::int64_t)>& advance) {
    // A million elements at a time: the oracle's doubles stay in 8 MB, and each piece is long beside its overhead.
    const std::int64_t piece = std::max<std::int64_t>(1, (1 << 20) / std::max<std::int64_t>(1, problem_.columns));
    std::vector<double> dx, dgamma(dy_.size()), dbeta(dy_.size());
    for (std::int64_t row = 0; row < problem_.rows && problem_.columns > 0; row += piece) {
      const std::int64_t count = std::min(piece, problem_.rows - row);
      dx.resize(static_cast<std::size_t>(count * problem_.columns));
      problem_.oracle(row, count, dx.data(), dgamma.data(), dbeta.data());
      for (std::size_t j = 0; j < dgamma.size(); ++j) {
        dgamma_.oracle[j] += dgamma[j];
        dbeta_.oracle[j] += dbeta[j];
      }
      for (std::int64_t i = 0; i < count; ++i) {
        add_row(row + i, std::span(dx).subspan(static_cast<std::size_t>(i * problem_.columns), dy_.size()));
      }
      advance(count);
    }
    return report();
  }

 private:
  void add_row(std::int64_t row, std::span<const double> oracle) {
    const std::int64_t columns = problem_.columns;
    const double rstd = problem_.rstd.value(row);
    const double mean = problem_.mean.value(row);
    problem_.dy.read(row * columns, columns, dy_.data());
    problem_.read_x(row, x_.data());
    if (results_.dx) results_.dx->read(row * columns, columns, dx_.data());

    double s1 = 0, s2 = 0;
    for (std::size_t j = 0; j < dy_.size(); ++j) {
      const double h = (x_[j] - mean) * rstd;
      const double w = dy_[j] * gamma_[j];
      s1 += w;
      s2 += w * h;
      dgamma_.squares[j] += dy_[j] * h * dy_[j] * h;
      dbeta_.squares[j] += dy_[j] * dy_[j];
    }
    const double m1 = s1 / static_cast<double>(columns), m2 = s2 / static_cast<double>(columns);
    double scale = 0;
    bool finite = std::isfinite(rstd) && std::isfinite(mean);
    for (std::size_t j = 0; j < dy_.size(); ++j) {
      const double h = (x_[j] - mean) * rstd;
      const double dsum = problem_.dsum ? problem_.dsum->value(row * columns + static_cast<std::int64_t>(j)) : 0;
      const double terms =
          std::abs(rstd) * (std::abs(dy_[j] * gamma_[j]) + std::abs(m1) + std::abs(h * m2)) + std::abs(dsum);
      // std::max drops NaN; `finite` does not.
      finite = finite && std::isfinite(terms) && std::isfinite(h) && std::isfinite(oracle[j]);
      scale = std::max(scale, terms);
      dx_ln_[j] = dx_[j] - dsum;
      error_[j] = half_ulp(problem_.dy.dtype(), dx_[j]);
    }
    if (!finite) scale = INFINITY;
    const bool overflows = scale > std::numeric_limits<float>::max() / 4;
    if (results_.dx) {
      const DType dtype = results_.dx->dtype();
      const auto canonical = [&] {
        std::vector<std::byte> values(dx_.size() * dtype_size(dtype));
        problem_.canonical(row, 1, values.data(), nullptr, nullptr);
        return values;
      };
      lost_elements_ += flag_lost(dtype, dx_, oracle, canonical, lost_);
      dx_errors_.add_row(dx_, oracle, scale, lost_);
    }
    if (results_.dx && expected_.dx && !(finite && overflows)) {
      for (std::size_t j = 0; j < dy_.size(); ++j) {
        if (lost_[j] != 0) continue;
        expected_dx_.add(expected_.dx->value(row * columns + static_cast<std::int64_t>(j)), dx_[j], oracle[j], scale);
      }
    }
    if (overflows || !(rstd > 0) ||
        (results_.dx && !std::ranges::all_of(dx_ln_, [](double v) { return std::isfinite(v); }))) {
      differences_.skip_row();
      return;
    }
    for (double& error : error_) error += element_bound * scale;
    const ForwardRow forward{dy_, x_, gamma_, rstd, mean};
    differences_.add_row(forward, results_.dx ? std::span<const double>(dx_ln_) : std::span<const double>(), error_);
    if (pair_ != nullptr && results_.dx) pair_->add_row(forward, dx_ln_, error_);
  }

  void report_sum(Verification& verification, const Sum& sum, const std::optional<DenseTensor>& result,
                  const std::optional<DenseTensor>& expected) {
    if (!result) return;
    std::vector<double> found = zeros(problem_.columns);
    result->read(0, problem_.columns, found.data());
    const double unit = std::max<double>(sum.scale(), std::numeric_limits<float>::min());
    const auto canonical = [&] {
      std::vector<std::byte> values(found.size() * sizeof(float));
      auto* const floats = reinterpret_cast<float*>(values.data());
      problem_.canonical(0, problem_.rows, nullptr, &sum == &dgamma_ ? floats : nullptr,
                         &sum == &dbeta_ ? floats : nullptr);
      return values;
    };
    report_lost(verification, sum.name, flag_lost(DType::float32, found, sum.oracle, canonical, lost_));
    sum.judge(verification, found, unit, lost_);
    differences_.report_sum(verification, sum.name, found, sum_bound * unit);
    if (!expected) return;
    ExpectedErrors errors;
    for (std::size_t j = 0; j < found.size(); ++j) {
      if (lost_[j] != 0) continue;
      errors.add(expected->value(static_cast<std::int64_t>(j)), found[j], sum.oracle[j],
                 sum.finite(j) ? unit : INFINITY);
    }
    errors.report(verification, sum.name, result->dtype(), expected->dtype());
  }

  Verification report() {
    Verification verification;
    if (results_.dx) {
      dx_errors_.report(verification);
      report_lost(verification, "dx", lost_elements_);
      differences_.report_dx(verification);
      if (pair_ != nullptr) pair_->report(verification);
      if (expected_.dx) {
        expected_dx_.report(verification, "dx", results_.dx->dtype(), expected_.dx->dtype());
      }
    }
    report_sum(verification, dgamma_, results_.dgamma, expected_.dgamma);
    report_sum(verification, dbeta_, results_.dbeta, expected_.dbeta);
    differences_.report_statistics(verification);
    return verification;
  }

  const DenseGrad& problem_;
  const GradResults& results_;
  const GradResults& expected_;
  PairDifferences* pair_;
  ElementErrors dx_errors_;
  FiniteDifferences differences_;
  ExpectedErrors expected_dx_;
  // One row, in double.
  std::vector<double> dy_, x_, gamma_, dx_, dx_ln_, error_;
  // Of one row of dx, or of a sum.
  std::vector<char> lost_;
  std::int64_t lost_elements_ = 0;
  Sum dgamma_, dbeta_;
};

}  // namespace

Verification verify(const DenseGrad& problem, const GradResults& results, const GradResults& expected,
                    const std::function<void(std::int64_t)>& advance, PairDifferences* pair) {
  return Verifier(problem, results, expected, pair).run(advance);
}

}  // namespace alng::cli
