// Between GEInitialize and GEFinalize.
#ifndef ALNG_CANN_GE_ENGINE_H
#define ALNG_CANN_GE_ENGINE_H

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "ge/message.h"
#include "graph/ascend_string.h"

namespace ge {
class SessionImpl;
}

namespace alng::cann::engine {

using Options = std::map<ge::AscendString, ge::AscendString>;

/// Refuses values of the options that are known (ge_api_types.h). `device`: the one that is asked for, else as it was.
Status check_options(const Options& options, int& device);

/// Which GEInitialize is in force; 0: none.
std::uint64_t current_epoch();
/// The device it named.
int current_device();

/// Refuses where `epoch` is not the current one.
Status check_epoch(std::uint64_t epoch);

/// GEFinalize waits for what it was asked to run.
void remember(const std::shared_ptr<ge::SessionImpl>& session);

}  // namespace alng::cann::engine

#endif
