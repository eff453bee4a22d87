// What calls about graphs answer. The sentence that goes with a failure: ge::GEGetErrorMsgV2 (ge/ge_api.h). C++14.
#ifndef ALNG_CANN_GRAPH_GE_ERROR_CODES_H
#define ALNG_CANN_GRAPH_GE_ERROR_CODES_H

#include <cstdint>

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

using graphStatus = uint32_t;

const graphStatus GRAPH_SUCCESS = 0;
const graphStatus GRAPH_FAILED = 0xFFFFFFFFU;

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
