// What a call answers inside the runtime, and how it leaves it: a code to the caller, a sentence to aclGetRecentErrMsg.
#ifndef ALNG_CANN_RUNTIME_ANSWER_H
#define ALNG_CANN_RUNTIME_ANSWER_H

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "acl/acl_base_rt.h"

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

/// ACL_ERROR_INVALID_PARAM with a sentence.
inline Answer invalid(std::string sentence) { return {ACL_ERROR_INVALID_PARAM, Kind::value, std::move(sentence)}; }

/// ACL_ERROR_INVALID_PARAM for the null pointer `what` in a call of `function`.
inline Answer null_pointer(const char* function, const char* what) {
  return {ACL_ERROR_INVALID_PARAM, Kind::null_pointer,
          std::string(function) + ": " + what + " is null but must be a pointer"};
}

/// Keeps the sentence for this thread's aclGetRecentErrMsg and gives back the code.
std::int32_t report(const Answer& answer) noexcept;

/// Runs `call`, which gives an Answer, for a C function: nothing that can be thrown may cross into C.
template <class Call>
std::int32_t guarded(Call&& call) noexcept {
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
