#include "aclnn/status_codes.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

#include "aclnn/executor.h"

namespace alng::cann {

std::string with_names_of_parameters(const std::string& sentence) {
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  std::string text;
  for (auto at = sentence.begin(); at != sentence.end();) {
    auto end = std::find_if_not(at, sentence.end(), in_word);
    if (end == at) ++end;
    std::string_view word(&*at, static_cast<std::size_t>(end - at));
    for (std::size_t i = 0; i < grad::count; ++i) {
      if (word == grad::operands[i].name) word = parameter_names[i];
    }
    text += word;
    at = end;
  }
  return text;
}

Answer from_status(const char* function, const Status& status) {
  const auto answer = [&](aclnnStatus code, Kind kind) -> Answer {
    return {code, kind, std::string(function) + ": " + with_names_of_parameters(status.message())};
  };
  switch (status.code()) {
    case Code::ok:
      return {};
    case Code::null_pointer:
      return answer(ACLNN_ERR_PARAM_NULLPTR, Kind::null_pointer);
    case Code::bad_dtype:
      return answer(ACLNN_ERR_PARAM_INVALID, Kind::dtype);
    case Code::bad_shape:
      return answer(ACLNN_ERR_INNER_TILING_ERROR, Kind::tiling);
    case Code::bad_stride:
    case Code::overlap:
    case Code::bad_workspace:
      return answer(ACLNN_ERR_PARAM_INVALID, Kind::value);
    case Code::bad_option:  // ALNG_ISA names an instruction set there is not
    case Code::unsupported:
      return answer(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, Kind::inner);
    case Code::device_error:
      return answer(ACLNN_ERR_RUNTIME_ERROR, Kind::inner);
    case Code::out_of_memory:
      break;
  }
  return {ACLNN_ERR_INNER, Kind::inner, std::string(function) + ": memory ran out"};
}

Answer null_parameter(const char* function, const char* what) {
  return {ACLNN_ERR_PARAM_NULLPTR, Kind::null_pointer,
          std::string(function) + ": " + what + " cannot be a NULL pointer"};
}

Answer null_object(const char* function, const char* what) {
  return {ACLNN_ERR_INNER_NULLPTR, Kind::null_pointer,
          std::string(function) + ": " + what + " cannot be a NULL pointer"};
}

Answer invalid_parameter(std::string sentence, Kind kind) {
  return {ACLNN_ERR_PARAM_INVALID, kind, std::move(sentence)};
}

Answer runtime_failed(Answer answer) {
  if (!answer.ok()) answer.code = ACLNN_ERR_RUNTIME_ERROR;
  return answer;
}

}  // namespace alng::cann
