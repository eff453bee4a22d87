// Whether the tensor rstd holds something else than 1 / sqrt(variance + eps).
#ifndef ALNG_TOOLS_RSTD_READING_H
#define ALNG_TOOLS_RSTD_READING_H

#include <array>
#include <cstdint>
#include <string>

#include "judge/dense_rows.h"

namespace alng::cli {

/// Each row's value is read in every way: as 1 / sqrt(variance + eps), and as the other statistics that are mistaken
/// for it. A reading fits a row where the eps that it implies is from 0 to 0.1, give or take 2 % of the variance and
/// what dividing by columns - 1 changes.
class RstdReading {
 public:
  explicit RstdReading(std::int64_t columns);

  void add_row(double rstd, double variance);
  /// A sentence where three quarters of the rows that tell the readings apart speak for another one; else empty. Where
  /// std is near 1 a row does not tell, nor does a constant row.
  std::string warning() const;

 private:
  double slack_;
  std::int64_t fits_ = 0, misfits_ = 0;
  std::array<std::int64_t, 3> others_{};
};

/// The eps of the forward that made rstd, which each row implies as 1 / rstd^2 - variance: the median of at most 1000
/// rows, at least 0. Each counts by rstd^2, because the rounding of its rstd is an error in proportion to its variance.
double implied_eps(const DenseGrad& problem);

}  // namespace alng::cli

#endif
