// What a call answers: a code a program can switch on and a sentence a person can act on.
#ifndef ALNG_STATUS_HPP
#define ALNG_STATUS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "alng/export.h"
#include "alng/language.h"

namespace alng {

/// Why a request was refused. The values are stable and shared with the C interface (`alng_status`).
enum class Code : std::int32_t {
  ok = 0,
  /// A required pointer is null, or a pointer is given for a tensor the problem does not have.
  null_pointer = 1,
  /// A dtype is not accepted for this tensor, or differs from the tensor it must agree with.
  bad_dtype = 2,
  /// A rank or a dimension is out of range or disagrees with the tensor it must agree with.
  bad_shape = 3,
  /// A stride is negative, an output's strides don't give each element an address of its own, an offset leaves 64 bits,
  /// or a pointer does not lie on a multiple of its element's size.
  bad_stride = 4,
  /// An output overlaps another tensor in a way that is not allowed (see `Arguments`).
  overlap = 5,
  /// The workspace is absent or smaller than `Plan::workspace_size()`.
  bad_workspace = 6,
  /// An option has no such value: unknown device, unknown instruction set, negative thread count.
  bad_option = 7,
  /// The request is valid, but no back end on this machine can do it. The sentence gives each back end's reason.
  unsupported = 8,
  /// Memory ran out, for the work or for the sentence of another refusal.
  out_of_memory = 9,
};

/// The code's own name, as written above: `"bad_shape"`.
ALNG_EXPORT const char* code_name(Code code) noexcept;

/// A code and a sentence. Success carries no sentence and allocates nothing.
class [[nodiscard]] Status {
 public:
  Status() noexcept = default;
  Status(Code code, std::string message) noexcept : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == Code::ok; }
  Code code() const noexcept { return code_; }
  /// One sentence that names the tensor, what it is and what was expected; empty on success.
  const std::string& message() const noexcept { return message_; }

 private:
  Code code_ = Code::ok;
  std::string message_;
};

/// Either a value or the status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) noexcept : value_(std::move(value)) {}
  Result(Status status) noexcept : status_(std::move(status)) {}

  bool ok() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }
  /// Only where `ok()`.
  T& value() & noexcept { return *value_; }
  const T& value() const& noexcept { return *value_; }
  T&& value() && noexcept { return std::move(*value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }
  /// Success where there is a value.
  const Status& status() const noexcept { return status_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace alng

#endif
