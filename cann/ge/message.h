// How a call of the engine ends: a status to the caller, a sentence to GEGetErrorMsgV2.
#ifndef ALNG_CANN_GE_MESSAGE_H
#define ALNG_CANN_GE_MESSAGE_H

#include <exception>
#include <new>
#include <string>

#include "alng/status.hpp"
#include "ge/ge_api_error_codes.h"

namespace alng::cann::engine {

/// A refusal of what was asked: every status of the engine that is not one of alng's own.
inline Status refused(std::string sentence) { return {Code::bad_option, std::move(sentence)}; }

/// `"..."`, with what would spoil a line written as \n or \x07.
std::string quoted(const std::string& text);

/// Keeps `function`: sentence for this thread's GEGetErrorMsgV2.
ge::Status report(const char* function, const Status& status) noexcept;

/// Adds a line for this thread's GEGetWarningMsgV2, which is asked for seldom: the oldest go where there are many.
void warn(const char* function, const std::string& sentence);

/// Runs `call`, which gives a Status, for a function of the interface: nothing that can be thrown may cross into a
/// program.
template <class Call>
ge::Status guarded(const char* function, Call&& call) noexcept {
  try {
    const Status status = call();
    return status.ok() ? ge::SUCCESS : report(function, status);
  } catch (const std::bad_alloc&) {
    return report(function, {Code::out_of_memory, {}});
  } catch (const std::exception&) {
    return report(function, {Code::unsupported, {}});
  }
}

}  // namespace alng::cann::engine

#endif
