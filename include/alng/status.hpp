// What a call answers: a code a program can switch on and a sentence a person can act on.
#ifndef ALNG_STATUS_HPP
#define ALNG_STATUS_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "alng/alng.h"
#include "alng/language.h"

namespace alng {

/// Why a request was refused. The numbers are stable, those of alng_code.
enum class Code : std::int32_t {
  ok = ALNG_OK,
  /// A required pointer is null, or a pointer is given for a tensor the problem does not have.
  null_pointer = ALNG_NULL_POINTER,
  /// A dtype is not accepted for this tensor, or differs from the tensor it must agree with.
  bad_dtype = ALNG_BAD_DTYPE,
  /// A rank or a dimension is out of range or disagrees with the tensor it must agree with.
  bad_shape = ALNG_BAD_SHAPE,
  /// A stride is negative, an output's strides don't give each element an address of its own, an offset leaves 64 bits,
  /// or a pointer does not lie on a multiple of its element's size.
  bad_stride = ALNG_BAD_STRIDE,
  /// An output overlaps another tensor in a way that is not allowed (see `GradArguments`).
  overlap = ALNG_OVERLAP,
  /// The workspace is absent or smaller than `Plan::workspace_size()`.
  bad_workspace = ALNG_BAD_WORKSPACE,
  /// An option has no such value: unknown device, unknown instruction set, negative thread count, a stream on a device
  /// without streams; or a plan of another operator is run.
  bad_option = ALNG_BAD_OPTION,
  /// The request is valid, but the device can't do it. The sentence says why.
  unsupported = ALNG_UNSUPPORTED,
  /// Memory ran out, for the work or for the sentence of another refusal.
  out_of_memory = ALNG_OUT_OF_MEMORY,
  /// The device failed, at this run or before it. Outputs may be partly written.
  device_error = ALNG_DEVICE_ERROR,
};

/// The code's own name, as written above: `"bad_shape"`; `"unknown"` for a number that is no code.
inline const char* code_name(Code code) noexcept { return alng_code_name(static_cast<alng_code>(code)); }

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
