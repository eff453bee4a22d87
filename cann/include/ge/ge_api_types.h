// Names of options, and types of the engine's calls. C++14.
#ifndef ALNG_CANN_GE_GE_API_TYPES_H
#define ALNG_CANN_GE_GE_API_TYPES_H

#include <cstdint>
#include <functional>
#include <vector>

#include "ge/ge_api_error_codes.h"
#include "graph/tensor.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

// The device's number, "0" where not given.
const char* const OPTION_EXEC_DEVICE_ID = "ge.exec.deviceId";
// "0": inference, "1": training. Accepted without effect.
const char* const OPTION_GRAPH_RUN_MODE = "ge.graphRunMode";
// Accepted without effect: nothing is computed in less precision than dtypes say.
const char* const PRECISION_MODE = "ge.exec.precision_mode";
// "0" or "1". Accepted without effect: results are the same bits from run to run always.
const char* const DETERMINISTIC = "ge.deterministic";

// What Session::BuildGraph is told of a run's tensor.
struct InputTensorInfo {
  // A DataType.
  uint32_t data_type = 0;
  std::vector<int64_t> dims;
  // Not looked at.
  void* data = nullptr;
  int64_t length = 0;
};

// Called once for each Session::RunGraphAsync, on a thread of the session's or one that waits for it: SUCCESS and the
// outputs, or another status and none; GEGetErrorMsgV2 on that thread then has the sentence.
using RunAsyncCallback = std::function<void(Status, std::vector<Tensor>&)>;

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
