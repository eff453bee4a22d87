// One element of each dtype, to and from double. Written apart from the library's own conversions, by arithmetic
// instead of bits, so that the two can disagree.
#ifndef ALNG_TESTS_CASES_ELEMENT_H
#define ALNG_TESTS_CASES_ELEMENT_H

#include <cstddef>

#include "alng/tensor.hpp"

namespace alng::cases {

/// The element at `address`, exactly.
double load(DType dtype, const std::byte* address);

/// The value of `dtype` nearest to `value`, ties to even, rounded once; overflow to infinity, NaN stays NaN.
double round_to(DType dtype, double value);

/// Writes `round_to(dtype, value)`; a NaN as the canonical quiet NaN.
void store(DType dtype, double value, std::byte* address);

/// The distance between neighbouring values of `dtype` in the binade of `value`; of the denormals near zero.
double ulp(DType dtype, double value);

/// The largest finite value, and the smallest above zero.
double largest(DType dtype);
double smallest(DType dtype);

}  // namespace alng::cases

#endif
