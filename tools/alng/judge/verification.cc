#include "judge/verification.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "judge/dx_errors.h"
#include "judge/element.h"
#include "judge/finite_differences.h"

namespace alng::cli {
namespace {

std::vector<double> zeros(std::int64_t size) { return std::vector<double>(static_cast<std::size_t>(size), 0.0); }

// dx of another implementation (expected_dx) beside ours.
struct ExpectedDx {
  double theirs = 0, ours = 0, apart = 0;
  std::int64_t misplaced = 0;

  void add(double expected, double dx, double oracle, double scale) {
    if (!std::isfinite(expected) || !std::isfinite(dx) || !std::isfinite(scale)) {
      if (!same_kind(expected, dx)) ++misplaced;
      return;
    }
    const double unit = std::max<double>(scale, std::numeric_limits<float>::min());
    theirs = std::max(theirs, std::abs(expected - oracle) / unit);
    ours = std::max(ours, std::abs(dx - oracle) / unit);
    apart = std::max(apart, std::abs(expected - dx) / unit);
  }
};

void report_expected(Verification& verification, const std::string& name, const ExpectedDx& errors, double bound) {
  verification.checks.push_back({name, "expected_" + name + " and ours apart / scale", errors.apart, bound});
  if (errors.misplaced > 0) {
    verification.checks.push_back(
        {name, "NaN or infinity unlike expected_" + name, static_cast<double>(errors.misplaced), 0});
  }
  verification.notes.push_back(
      fmt::format("expected_{}: its error against the oracle is {:.2g} of the scale, ours {:.2g}", name, errors.theirs,
                  errors.ours));
}

double bound_for(DType ours, DType expected) { return std::max(expected_bound(ours), expected_bound(expected)); }

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
             std::span<const char> overflowed) const {
    double worst = 0;
    std::int64_t misplaced = 0;
    for (std::size_t j = 0; j < oracle.size(); ++j) {
      if (overflowed[j] != 0) continue;
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

// NaN or infinity where the exact value is in float32's range.
bool is_lost(DType dtype, double found, double exact) {
  return !std::isfinite(found) && std::isfinite(exact) && !same_kind(found, round_to(dtype, exact));
}

// Elements that are not judged: the sums of the canonical order overflow float32 although the exact value does not.
void report_overflow(Verification& verification, const std::string& name, std::int64_t elements) {
  if (elements == 0) return;
  verification.notes.push_back(fmt::format(
      "{}: {} elements are not judged: sums in the canonical order overflow float32 there, though the exact "
      "value does not",
      name, elements));
}

class Verifier {
 public:
  Verifier(const DenseProblem& problem, const Results& results, const Results& expected)
      : problem_(problem),
        results_(results),
        expected_(expected),
        dx_errors_(problem.dy.dtype()),
        // Any seed does: the direction must only be independent of the results' errors.
        differences_(problem.columns, 20),
        dy_(zeros(problem.columns)),
        x_(dy_),
        gamma_(dy_.size(), 1.0),
        dx_(dy_),
        dx_ln_(dy_),
        error_(dy_),
        overflowed_(dy_.size()),
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
      find_overflow(row, oracle);
      dx_errors_.add_row(dx_, oracle, scale, overflowed_);
    }
    if (results_.dx && expected_.dx && !(finite && overflows)) {
      for (std::size_t j = 0; j < dy_.size(); ++j) {
        if (overflowed_[j] != 0) continue;
        expected_dx_.add(expected_.dx->value(row * columns + static_cast<std::int64_t>(j)), dx_[j], oracle[j], scale);
      }
    }
    if (overflows || !(rstd > 0) ||
        (results_.dx && !std::ranges::all_of(dx_ln_, [](double v) { return std::isfinite(v); }))) {
      differences_.skip_row();
      return;
    }
    for (double& error : error_) error += dx_bound * scale;
    differences_.add_row({dy_, x_, gamma_, rstd, mean},
                         results_.dx ? std::span<const double>(dx_ln_) : std::span<const double>(), error_);
  }

  // Flags the elements of a row of dx that the canonical order loses too.
  void find_overflow(std::int64_t row, std::span<const double> oracle) {
    const DType dtype = results_.dx->dtype();
    std::ranges::fill(overflowed_, char{0});
    std::vector<std::byte> canonical;
    for (std::size_t j = 0; j < dx_.size(); ++j) {
      if (!is_lost(dtype, dx_[j], oracle[j])) continue;
      if (canonical.empty()) {
        canonical.resize(dx_.size() * dtype_size(dtype));
        problem_.canonical(row, 1, canonical.data(), nullptr, nullptr);
      }
      if (std::isfinite(load_element(dtype, &canonical[j * dtype_size(dtype)]))) continue;
      overflowed_[j] = 1;
      ++overflowed_elements_;
    }
  }

  // The same for dgamma or dbeta, over all rows.
  std::int64_t find_overflow(const Sum& sum, std::span<const double> found) {
    std::ranges::fill(overflowed_, char{0});
    std::vector<float> canonical;
    std::int64_t elements = 0;
    for (std::size_t j = 0; j < found.size(); ++j) {
      if (!is_lost(DType::float32, found[j], sum.oracle[j])) continue;
      if (canonical.empty()) {
        canonical.resize(found.size());
        problem_.canonical(0, problem_.rows, nullptr, &sum == &dgamma_ ? canonical.data() : nullptr,
                           &sum == &dbeta_ ? canonical.data() : nullptr);
      }
      if (std::isfinite(canonical[j])) continue;
      overflowed_[j] = 1;
      ++elements;
    }
    return elements;
  }

  void report_sum(Verification& verification, const Sum& sum, const std::optional<DenseTensor>& result,
                  const std::optional<DenseTensor>& expected) {
    if (!result) return;
    std::vector<double> found = zeros(problem_.columns);
    result->read(0, problem_.columns, found.data());
    const double unit = std::max<double>(sum.scale(), std::numeric_limits<float>::min());
    report_overflow(verification, sum.name, find_overflow(sum, found));
    sum.judge(verification, found, unit, overflowed_);
    differences_.report_sum(verification, sum.name, found, sum_bound * unit);
    if (!expected) return;
    ExpectedDx errors;
    for (std::size_t j = 0; j < found.size(); ++j) {
      if (overflowed_[j] != 0) continue;
      errors.add(expected->value(static_cast<std::int64_t>(j)), found[j], sum.oracle[j],
                 sum.finite(j) ? unit : INFINITY);
    }
    report_expected(verification, sum.name, errors, bound_for(result->dtype(), expected->dtype()));
  }

  Verification report() {
    Verification verification;
    if (results_.dx) {
      dx_errors_.report(verification);
      report_overflow(verification, "dx", overflowed_elements_);
      differences_.report_dx(verification);
      if (expected_.dx) {
        report_expected(verification, "dx", expected_dx_, bound_for(results_.dx->dtype(), expected_.dx->dtype()));
      }
    }
    report_sum(verification, dgamma_, results_.dgamma, expected_.dgamma);
    report_sum(verification, dbeta_, results_.dbeta, expected_.dbeta);
    differences_.report_statistics(verification);
    return verification;
  }

  const DenseProblem& problem_;
  const Results& results_;
  const Results& expected_;
  DxErrors dx_errors_;
  FiniteDifferences differences_;
  ExpectedDx expected_dx_;
  // One row, in double.
  std::vector<double> dy_, x_, gamma_, dx_, dx_ln_, error_;
  // Of one row of dx, or of a sum.
  std::vector<char> overflowed_;
  std::int64_t overflowed_elements_ = 0;
  Sum dgamma_, dbeta_;
};

}  // namespace

double expected_bound(DType coarser) {
  return coarser == DType::float32 ? 1e-5 : coarser == DType::float16 ? 8 * 0x1p-11 : 8 * 0x1p-8;
}

bool Verification::ok() const { return std::ranges::all_of(checks, &Check::ok); }

Verification verify(const DenseProblem& problem, const Results& results, const Results& expected,
                    const std::function<void(std::int64_t)>& advance) {
  return Verifier(problem, results, expected).run(advance);
}

}  // namespace alng::cli
