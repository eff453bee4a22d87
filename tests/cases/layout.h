// The strides behind a word of the layout column.
#ifndef ALNG_TESTS_CASES_LAYOUT_H
#define ALNG_TESTS_CASES_LAYOUT_H

#include <cstdint>
#include <vector>

#include "cases/cases.h"
#include "cases/instance.h"

namespace alng::cases {

/// `trailing` of the dimensions are columns.
TensorLayout arrange(Arrangement arrangement, int tensor, DType dtype, const std::vector<std::int64_t>& shape,
                     int trailing);

}  // namespace alng::cases

#endif
