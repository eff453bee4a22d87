// The results of another implementation (expected_dx) beside ours.
#ifndef ALNG_TOOLS_EXPECTED_ERRORS_H
#define ALNG_TOOLS_EXPECTED_ERRORS_H

#include <cstdint>
#include <string>

#include "judge/verification.h"

namespace alng::cli {

class ExpectedErrors {
 public:
  /// Where `scale` is not finite only the places of NaN and infinity are compared.
  void add(double expected, double ours, double oracle, double scale);
  /// `ours` and `expected` are the dtypes of the two.
  void report(Verification& verification, const std::string& name, DType ours, DType expected) const;

 private:
  double theirs_ = 0, ours_ = 0, apart_ = 0;
  std::int64_t misplaced_ = 0;
};

}  // namespace alng::cli

#endif
