// The forward's error bounds against the double-precision oracle (docs/numerics.md).
#ifndef ALNG_TESTS_OPERATOR_FORWARD_ACCURACY_H
#define ALNG_TESTS_OPERATOR_FORWARD_ACCURACY_H

#include <string>

#include "cases/forward_instance.h"
#include "operator/run_case.h"

namespace alng::test {

/// y in float32 may be off by this much of its row's largest |h * gamma| + |beta|.
inline constexpr double y_bound = 3e-7;
/// mean by this much of max(|mean|, standard deviation), rstd by this much of itself: an ulp and two of the numbers
/// just above a power of two.
inline constexpr double mean_bound = 0x1p-23;
inline constexpr double rstd_bound = 0x1p-22;

/// Which promise an outcome breaks and where, in words; empty: none.
std::string beyond_bounds(const cases::ForwardInstance& instance, const Outcome& got);

}  // namespace alng::test

#endif
