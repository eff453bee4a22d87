// The errors of dx against the oracle, row by row.
#ifndef ALNG_TOOLS_DX_ERRORS_H
#define ALNG_TOOLS_DX_ERRORS_H

#include <cstdint>
#include <span>

#include "alng/tensor.hpp"
#include "judge/verification.h"

namespace alng::cli {

/// Gathers over rows; `report` turns what was seen into lines of the table.
class DxErrors {
 public:
  explicit DxErrors(DType dtype) : dtype_(dtype) {}

  /// `scale` is the row's scale as verification.h defines it; where it is not finite only the places of NaN and
  /// infinity are compared. `overflowed`: elements that are not judged, one flag each.
  void add_row(std::span<const double> dx, std::span<const double> oracle, double scale,
               std::span<const char> overflowed);
  void report(Verification& verification) const;

 private:
  void add_float32(double dx, double oracle, double scale);
  void add_16bit(double dx, double oracle, double scale);

  DType dtype_;
  double worst_of_scale_ = 0;
  double worst_of_max_ = 0;
  std::int64_t judged_ = 0;
  std::int64_t rounded_ = 0;
  std::int64_t cancelled_ = 0;
  std::int64_t most_ulps_ = 0;
  std::int64_t outside_ = 0;
  std::int64_t misplaced_ = 0;
  std::int64_t plain_rows_ = 0;
  double row_error_ = 0;
};

/// Whether both are NaN, or the same infinity, or both finite.
bool same_kind(double a, double b);

}  // namespace alng::cli

#endif
