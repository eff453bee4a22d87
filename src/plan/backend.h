// What a back end is: something that can say whether it is there, and turn a problem into an Execution or say why not.
#ifndef ALNG_PLAN_BACKEND_H
#define ALNG_PLAN_BACKEND_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alng/export.h"
#include "alng/options.hpp"
#include "problem/arguments.h"
#include "problem/problem.h"

namespace alng::impl {

/// Memory that a device has of its own, for callers whose data is in the host's; see alng_memory_allocate and those
/// behind it. Of static storage.
class Memory {
 public:
  virtual Result<void*> allocate(std::size_t bytes) const noexcept = 0;
  virtual void free(void* address) const noexcept = 0;
  virtual Status upload(void* to, const void* from, std::size_t bytes) const noexcept = 0;
  virtual Status download(void* to, const void* from, std::size_t bytes) const noexcept = 0;
  virtual Status copy(void* to, const void* from, std::size_t bytes) const noexcept = 0;
  virtual Result<double> time(void (*work)(void* context), void* context) const noexcept = 0;

 protected:
  ~Memory() = default;
};

/// A problem planned on one back end. Immutable. `run` and `run_empty` are called with arguments that have been judged;
/// `run` never with an empty problem, `run_empty` with nothing else (plan.cc sees to it).
class Execution {
 public:
  virtual ~Execution() = default;
  /// Of static storage; null: that of its back end.
  virtual const char* device() const noexcept { return nullptr; }
  /// Null where the pointers of arguments are the host's.
  virtual const Memory* memory() const noexcept { return nullptr; }
  /// Whether arguments may have a stream.
  virtual bool has_streams() const noexcept { return false; }
  virtual std::size_t workspace_size() const noexcept = 0;
  /// Of static storage, as is Backend::device.
  virtual const char* isa() const noexcept = 0;
  virtual int threads() const noexcept = 0;
  /// Lines of `key: value`, each ending in a newline.
  virtual std::string explain() const = 0;
  /// `device_error` where the device fails; nothing else can be refused any more.
  virtual Status run(const Arguments& arguments) const noexcept = 0;
  /// No rows: the sums over them are +0. No columns: mean and rstd, as 0 / 0, are NaN. Here in the host's memory
  /// (empty.cc).
  virtual Status run_empty(const Problem& problem, const Arguments& arguments) const noexcept;
};

class Backend {
 public:
  virtual const char* device() const noexcept = 0;
  /// Whether a caller who asks for `name` means this one.
  virtual bool answers_to(std::string_view name) const noexcept { return name == device(); }
  /// The devices it has, and why this machine can use them or not; at least one entry.
  virtual std::vector<Availability> availability() const = 0;
  /// Refusals: `bad_option` for an option nobody has heard of, `unsupported` with the reason for what it can't do.
  virtual Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const = 0;

 protected:
  // Nothing to destroy, so that one of static storage is there before and after everything else.
  ~Backend() = default;
};

/// Changes with every change of what a back end in another library and libalng must agree on: the classes above, and
/// those of src/problem and include/alng that they speak of.
inline constexpr std::int32_t backend_interface = 4;

/// Every back end of this build, then the registered ones. The first is the one where the caller names no device.
std::vector<const Backend*> backends();

/// What each of them says of itself.
std::vector<Availability> devices();

/// A back end that tried to register and has another `backend_interface`.
bool backend_left_out() noexcept;

// Defined by the back ends' own rooms, which come later than this one.
const Backend& cpu_backend() noexcept;
const Backend& reference_backend() noexcept;
/// "cuda" and "cuda:N": what cuda_library.h says is loaded when it is asked.
const Backend& cuda_backend() noexcept;

}  // namespace alng::impl

/// The one entry of libalng that is not for callers: adds an alng::impl::Backend from a library built with the same
/// sources, which lives from then on; there is room for 16. One whose device is there already is left out, and so is
/// one whose `interface` is not this library's backend_interface. May be called from any thread; plans made from then
/// on see it.
extern "C" ALNG_EXPORT void alng_internal_register_backend(std::int32_t interface, const void* backend) noexcept;

#endif
