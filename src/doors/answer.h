// How the C door answers: a code, and a sentence where the caller has room for one.
#ifndef ALNG_DOORS_ANSWER_H
#define ALNG_DOORS_ANSWER_H

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "alng/alng.h"
#include "problem/out_of_memory.h"

namespace alng::impl {

/// Cut to fit, and terminated; `size` is at least 1.
inline void copy_text(const std::string& text, char* out, std::size_t size) noexcept {
  const std::size_t length = std::min(text.size(), size - 1);
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

inline alng_code report(const Status& status, alng_status* out) noexcept {
  const auto code = static_cast<alng_code>(status.code());
  if (out != nullptr) {
    out->code = code;
    copy_text(status.message(), out->message, sizeof out->message);
  }
  return code;
}

// Nothing that can be thrown may cross into C.
template <class Call>
alng_code guarded(alng_status* out, Call&& call) noexcept {
  try {
    return report(call(), out);
  } catch (...) {
    return report(out_of_memory(), out);
  }
}

inline Status missing(const char* what) { return Status(Code::null_pointer, std::string(what) + " is null"); }

}  // namespace alng::impl

#endif
