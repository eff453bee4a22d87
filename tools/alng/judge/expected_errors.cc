#include "judge/expected_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "judge/element_errors.h"

namespace alng::cli {

void ExpectedErrors::add(double expected, double ours, double oracle, double scale) {
  if (!std::isfinite(expected) || !std::isfinite(ours) || !std::isfinite(scale)) {
    if (!same_kind(expected, ours)) ++misplaced_;
    return;
  }
  const double unit = std::max<double>(scale, std::numeric_limits<float>::min());
  theirs_ = std::max(theirs_, std::abs(expected - oracle) / unit);
  ours_ = std::max(ours_, std::abs(ours - oracle) / unit);
  apart_ = std::max(apart_, std::abs(expected - ours) / unit);
}

void ExpectedErrors::report(Verification& verification, const std::string& name, DType ours, DType expected) const {
  const double bound = std::max(expected_bound(ours), expected_bound(expected));
  verification.checks.push_back({name, "expected_" + name + " and ours apart / scale", apart_, bound});
  if (misplaced_ > 0) {
    verification.checks.push_back(
        {name, "NaN or infinity unlike expected_" + name, static_cast<double>(misplaced_), 0});
  }
  verification.notes.push_back(fmt::format(
      "expected_{}: its error against the oracle is {:.2g} of the scale, ours {:.2g}", name, theirs_, ours_));
}

}  // namespace alng::cli
