#include "judge/element_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "judge/element.h"

namespace alng::cli {
namespace {

// A value of a 16-bit dtype as a place in the order of all its values, so that neighbours differ by 1 and -0 is +0.
std::int64_t place(DType dtype, double value) {
  std::byte element[4];  // room for any dtype
  store_element(dtype, element, value);
  const int bits = std::to_integer<int>(element[0]) | std::to_integer<int>(element[1]) << 8;
  return (bits & 0x8000) != 0 ? -(bits & 0x7FFF) : bits;
}

}  // namespace

bool same_kind(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::isinf(a) || std::isinf(b) ? a == b : true;
}

void ElementErrors::add_row(std::span<const double> found, std::span<const double> oracle, double scale,
                            std::span<const char> overflowed) {
  double largest = 0;
  row_error_ = 0;
  for (std::size_t j = 0; j < found.size(); ++j) {
    if (overflowed[j] != 0) continue;
    const double rounded = round_to(dtype_, oracle[j]);
    // In 16 bits infinity is the largest number's neighbour, and judged as such.
    if (!std::isfinite(scale) || std::isnan(found[j]) || (std::isinf(found[j]) && dtype_ == DType::float32)) {
      if (!same_kind(found[j], rounded)) ++misplaced_;
    } else if (dtype_ == DType::float32) {
      add_float32(found[j], oracle[j], scale);
    } else {
      add_16bit(found[j], oracle[j], scale);
    }
    largest = std::max(largest, std::abs(oracle[j]));
  }
  if (judges_plain_rows_ && found.size() >= plain_columns && largest >= scale / 2 && largest > 0) {
    worst_of_max_ = std::max(worst_of_max_, row_error_ / largest);
    ++plain_rows_;
  }
}

void ElementErrors::add_float32(double found, double oracle, double scale) {
  const double error = std::abs(found - oracle);
  row_error_ = std::max(row_error_, error);
  // A row of zeros has scale 0 and must be met exactly. Below float32's smallest normal number relative error means
  // nothing.
  const double least = std::numeric_limits<float>::min();
  worst_of_scale_ = std::max(worst_of_scale_, error == 0 ? 0 : error / std::max(scale, least));
}

void ElementErrors::add_16bit(double value, double oracle, double scale) {
  const double allowed = element_bound * scale;
  const std::int64_t found = place(dtype_, value);
  // What correct rounding can make of any value within the float32 bound of the oracle's.
  if (found < place(dtype_, oracle - allowed) || found > place(dtype_, oracle + allowed)) ++outside_;
  if (allowed >= in_cancellation_from * 2 * half_ulp(dtype_, oracle)) {
    ++cancelled_;
    return;
  }
  ++judged_;
  const std::int64_t ulps = std::abs(found - place(dtype_, oracle));
  if (ulps == 0) ++rounded_;
  most_ulps_ = std::max(most_ulps_, ulps);
}

void ElementErrors::report(Verification& verification) const {
  auto& checks = verification.checks;
  if (dtype_ == DType::float32) {
    checks.push_back({name_, "max error / row's scale", worst_of_scale_, element_bound});
    if (plain_rows_ > 0)
      checks.push_back(
          {name_, "max error / max |" + name_ + "| of rows that don't cancel", worst_of_max_, element_bound});
  } else {
    const double judged = std::max(1.0, static_cast<double>(judged_));
    const double share = judged_ == 0 ? 1 : static_cast<double>(rounded_) / judged;
    const double bound = std::clamp((judged - misrounded_by_chance) / judged, 0.0, rounded_share_bound);
    checks.push_back({name_, "share correctly rounded", share, bound, false});
    checks.push_back({name_, "max ulps from correctly rounded", static_cast<double>(most_ulps_), 1});
    checks.push_back({name_, "elements beyond 3e-7 of row's scale, rounded", static_cast<double>(outside_), 0});
    if (cancelled_ > 0) {
      verification.notes.push_back(fmt::format(
          "{0}: {1} elements in cancellation (3e-7 of the row's scale is 1/32 ulp of theirs or more) count in "
          "the last of the {0} lines alone",
          name_, cancelled_));
    }
  }
  checks.push_back({name_, "NaN or infinity out of place", static_cast<double>(misplaced_), 0});
}

}  // namespace alng::cli
