// What calls of the engine answer. The sentence that goes with a failure: ge::GEGetErrorMsgV2. C++14.
#ifndef ALNG_CANN_GE_GE_API_ERROR_CODES_H
#define ALNG_CANN_GE_GE_API_ERROR_CODES_H

#include <cstdint>

#include "graph/ge_error_codes.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

using Status = uint32_t;

const Status SUCCESS = 0;
const Status FAILED = 0xFFFFFFFFU;

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
