// The one place where alng's codes become aclnn's.
#ifndef ALNG_CANN_ACLNN_STATUS_CODES_H
#define ALNG_CANN_ACLNN_STATUS_CODES_H

#include <string>

#include "aclnn/acl_meta.h"
#include "alng/status.hpp"
#include "runtime/answer.h"

namespace alng::cann {

/// A sentence of alng's with the names that the operator's parameters have in C: dx is dxOut, dsum is dsumOptional.
std::string with_names_of_parameters(const std::string& sentence);

/// A refusal of alng's as aclnn tells it; `function` comes before the sentence. Success stays success.
Answer from_status(const char* function, const Status& status);

/// 161001: a required parameter of the operator.
Answer null_parameter(const char* function, const char* what);
/// 561103: a null object in a call about objects.
Answer null_object(const char* function, const char* what);
/// 161002.
Answer invalid_parameter(std::string sentence, Kind kind = Kind::value);
/// What the runtime refused: 361001.
Answer runtime_failed(Answer answer);

/// `guarded` for functions that return aclnnStatus: the codes of what is thrown are aclnn's.
template <class Call>
aclnnStatus guarded_aclnn(Call&& call) noexcept {
  return guarded([&]() -> Answer {
    try {
      return call();
    } catch (const std::bad_alloc&) {
      return {ACLNN_ERR_INNER, Kind::inner, "memory ran out"};
    }
  });
}

}  // namespace alng::cann

#endif
