// What a call answers inside the runtime, and how it leaves it: a code to the caller, a sentence to aclGetRecentErrMsg.
#ifndef ALNG_CANN_RUNTIME_ANSWER_H
#define ALNG_CANN_RUNTIME_ANSWER_H

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "acl/acl_base_rt.h"
#include "acl/error_codes/rt_error_codes.h"
#include "runtime/fork.h"

namespace alng::cann {

/// The number in brackets of aclGetRecentErrMsg's text, by which programs tell kinds of errors apart.
enum class Kind { dtype, tiling, value, null_pointer, inner };

/// A code of acl or aclnn and a sentence; code 0 is success.
struct [[nodiscard]] Answer {
  std::int32_t code = 0;
  Kind kind = Kind::inner;
  std::string sentence;

  bool ok() const { return code == 0; }
};

// The runtime's codes, and why each: programs for CANN compare with these.
//   100000 INVALID_PARAM            a null pointer, or a number that could never be right: CANN judges these before its
//                                   runtime, and so answers with a code of acl (size 0, count > destMax, kind, flag)
//   100001, 100002, 100037          aclInit and aclFinalize out of turn: acl's own, too
//   107000 RT_PARAM_INVALID         an address, or an object in the wrong state: only the runtime can know
//   107001 RT_INVALID_DEVICEID      there is no device of that number
//   107002 RT_CONTEXT_NULL          this thread, or the device, has no context; clients then set device 0 and go on
//   107003 RT_STREAM_CONTEXT        no stream, a destroyed one, or one that may not be used here
//   107006 RT_EVENT_TIMESTAMP_INVALID  an event that has no time, or not yet
//   107017 RT_INVALID_HANDLE        no event, context or physical memory, or a destroyed one
//   200000 BAD_ALLOC                the host's memory ran out
//   200001 API_NOT_SUPPORT          what is not here at all, of acl: single operators by name, profiling
//   207000 RT_FEATURE_NOT_SUPPORT   the same of the runtime
//   207001 RT_MEMORY_ALLOCATION     the device's memory ran out; clients free what they cache and try again
//   500003 RT_FAILURE               work of a stream failed or was thrown away
//   507015 RT_AICORE_EXCEPTION      an operator met memory that it must not touch
//   507046 RT_STREAM_SYNC_TIMEOUT   a wait with a time limit ended before the work did

/// "function: name is 3 but must be 0 or 1"
template <class Number>
std::string wrong_number(const char* function, const std::string& name, Number number, const std::string& must_be) {
  return std::string(function) + ": " + name + " is " + std::to_string(number) + " but must be " + must_be;
}

/// 100000 with a sentence.
inline Answer invalid(std::string sentence) { return {ACL_ERROR_INVALID_PARAM, Kind::value, std::move(sentence)}; }

/// 100000 for the null pointer `what` in a call of `function`.
inline Answer null_pointer(const char* function, const char* what) {
  return {ACL_ERROR_INVALID_PARAM, Kind::null_pointer,
          std::string(function) + ": " + what + " is null but must be a pointer"};
}

/// 107000 with a sentence.
inline Answer not_so(std::string sentence) { return {ACL_ERROR_RT_PARAM_INVALID, Kind::value, std::move(sentence)}; }

/// 107003: no stream, or one that another thread destroys at the moment.
inline Answer no_stream(const std::string& function) {
  return {ACL_ERROR_RT_STREAM_CONTEXT, Kind::value,
          function + ": stream is none of aclrtCreateStream, or is destroyed"};
}

/// 107017: `name` is no object that `maker` made, or is destroyed.
inline Answer no_handle(const std::string& function, const char* name, const char* maker) {
  return {ACL_ERROR_RT_INVALID_HANDLE, Kind::value,
          function + ": " + name + " is none of " + maker + ", or is destroyed"};
}

/// Keeps the sentence for this thread's aclGetRecentErrMsg and gives back the code.
std::int32_t report(const Answer& answer) noexcept;

/// Runs `call`, which gives an Answer, for a C function: nothing that can be thrown may cross into C.
template <class Call>
std::int32_t guarded(Call&& call) noexcept {
  clear_inherited();
  try {
    const Answer answer = call();
    return answer.ok() ? 0 : report(answer);
  } catch (const std::bad_alloc&) {
    return report({ACL_ERROR_BAD_ALLOC, Kind::inner, {}});
  } catch (const std::exception&) {
    return report({ACL_ERROR_INTERNAL_ERROR, Kind::inner, {}});
  }
}

}  // namespace alng::cann

#endif
