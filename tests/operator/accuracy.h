// The error bounds of the library against the double-precision oracle.
#ifndef ALNG_TESTS_OPERATOR_ACCURACY_H
#define ALNG_TESTS_OPERATOR_ACCURACY_H

#include <string>
#include <vector>

#include "cases/instance.h"
#include "operator/run_case.h"

namespace alng::test {

/// The oracle's answer to a case, dense and row-major; empty where not wanted.
struct Truth {
  std::vector<double> dx, dgamma, dbeta;
};
Truth truth_of(const cases::Instance& instance);

/// dx in float32 may be off by this much of its row's scale (docs/numerics.md).
inline constexpr double dx_bound = 3e-7;
/// dgamma and dbeta by this much of the root mean square over the columns.
inline constexpr double column_bound = 2e-6;
/// This share of the elements of a 16-bit dx must be the correctly rounded value; of fewer than 800 elements all but
/// `misrounded_by_chance`. Elements in cancellation are left out, those where dx_bound spans this much of an ulp.
inline constexpr double rounded_right = 0.995;
inline constexpr double misrounded_by_chance = 4;
inline constexpr double in_cancellation_from = 1.0 / 32;

/// Whether the bounds are promised for a case: its values are finite, and neither overflowing nor at the denormals.
bool has_bounds(const cases::Case& what);

/// Which promise an outcome breaks and where, in words; empty: none.
std::string beyond_bounds(const cases::Instance& instance, const Truth& truth, const Outcome& got);

}  // namespace alng::test

#endif
