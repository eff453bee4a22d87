// The operator's results against differences of the forward's values: a check that shares no formula with it.
#ifndef ALNG_TOOLS_FINITE_DIFFERENCES_H
#define ALNG_TOOLS_FINITE_DIFFERENCES_H

#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "judge/computation.h"
#include "judge/dense_rows.h"
#include "judge/device_tensors.h"
#include "judge/rstd_reading.h"
#include "judge/verification.h"

namespace alng::cli {

/// One row of the problem, in double.
struct ForwardRow {
  std::span<const double> dy, x, gamma;
  double rstd;
  double mean;
};

/// L = sum over all elements of dy * (gamma * LN(x) + beta), where LN recomputes E[x] and Var[x], and each row has the
/// eps that makes 1/sqrt(Var[x] + eps) the given rstd. L is differenced along random directions of signs: in x row by
/// row, in gamma and beta over all rows.
///
/// mean is float32, so it may be off E[x] by half an ulp: at mean/std = 1000 by 3e-5 of std. dx and dgamma are
/// functions of the mean as given, L is not. With h' = h - d, d = (mean - E[x])*rstd, the formula changes by exactly
/// rstd * d * (m2 + h*m1 - d*m1) in dx and by -sum(dy*d) in dgamma; both are taken into account. The largest d is
/// reported.
class FiniteDifferences {
 public:
  FiniteDifferences(std::int64_t columns, std::uint64_t seed);

  /// `dx_ln` is dx - dsum (empty: dx is not judged), `error` what each of its elements may be off by.
  void add_row(const ForwardRow& row, std::span<const double> dx_ln, std::span<const double> error);
  /// A row that has NaN or infinity in it, or overflows.
  void skip_row() { ++skipped_; }

  void report_dx(Verification& verification) const;
  /// `name` is dgamma or dbeta, `error` what each of its elements may be off by.
  void report_sum(Verification& verification, const std::string& name, std::span<const double> sum, double error) const;
  void report_statistics(Verification& verification) const;

 private:
  double forward(const ForwardRow& row, double step, double gamma_step, double beta_step);

  std::int64_t columns_;
  std::mt19937_64 random_;
  std::vector<double> direction_, gamma_direction_, beta_direction_;
  std::vector<double> centred_, moved_;
  double eps_ = 0;
  double worst_ = 0;
  double gamma_difference_ = 0, beta_difference_ = 0;
  double largest_shift_ = 0, largest_shift_roundings_ = 0;
  double least_eps_ = INFINITY, most_eps_ = -INFINITY;
  std::int64_t rows_ = 0, skipped_ = 0;
  RstdReading reading_;
};

/// The same of dx, but L = sum of dy*y, where y is what the library's own forward makes of x in float32: that the two
/// operators are a pair. The step is 1/100 of the row's standard deviation, or what x's float32 can tell apart; y is
/// float32, whose errors divided by such a step are some 1e-4 of L's slope.
///
/// Of the d above only what a rounded mean explains is taken into account: a gradient of another mean than the
/// forward's fails.
class PairDifferences {
 public:
  /// The forward of rows of this problem. `options`: where it is computed.
  PairDifferences(const DenseForward& problem, const PlanOptions& options, std::uint64_t seed);

  /// As `FiniteDifferences::add_row`.
  void add_row(const ForwardRow& row, std::span<const double> dx_ln, std::span<const double> error);
  void report(Verification& verification) const;

 private:
  std::span<const float> forward(std::span<const float> x);

  std::mt19937_64 random_;
  std::vector<double> direction_;
  std::vector<float> gamma_, beta_, above_, below_, y_;
  ForwardPlan plan_;
  Buffer workspace_;
  /// Where the device has memory of its own: gamma and beta are there.
  std::optional<DeviceTensors<c_structs::Forward>> on_device_;
  double worst_ = 0;
};

}  // namespace alng::cli

#endif
