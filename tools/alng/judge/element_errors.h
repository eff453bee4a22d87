// The errors of a result with a value for every element, dx or y, against the oracle, row by row.
#ifndef ALNG_TOOLS_ELEMENT_ERRORS_H
#define ALNG_TOOLS_ELEMENT_ERRORS_H

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "alng/tensor.hpp"
#include "judge/verification.h"

namespace alng::cli {

/// Gathers over rows; `report` turns what was seen into lines of the table.
class ElementErrors {
 public:
  /// `plain_rows`: the error is also held against the row's largest value where terms don't cancel (`plain_columns`).
  ElementErrors(std::string name, DType dtype, bool plain_rows)
      : name_(std::move(name)), dtype_(dtype), judges_plain_rows_(plain_rows) {}

  /// `scale` is the row's scale as verification.h defines it; where it is not finite only the places of NaN and
  /// infinity are compared. `overflowed`: elements that are not judged, one flag each.
  void add_row(std::span<const double> found, std::span<const double> oracle, double scale,
               std::span<const char> overflowed);
  void report(Verification& verification) const;

 private:
  void add_float32(double found, double oracle, double scale);
  void add_16bit(double value, double oracle, double scale);

  std::string name_;
  DType dtype_;
  bool judges_plain_rows_;
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
