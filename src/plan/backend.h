// What a back end is: something that can say whether it is there, and turn a problem into an Execution or say why not.
#ifndef ALNG_PLAN_BACKEND_H
#define ALNG_PLAN_BACKEND_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "alng/export.h"
#include "alng/options.hpp"
#include "problem/arguments.h"
#include "problem/problem.h"

namespace alng::impl {

/// A problem planned on one back end. Immutable. `run` is called with arguments that have been judged, and never with
/// an empty problem (plan.cc sees to both).
class Execution {
 public:
  virtual ~Execution() = default;
  virtual std::size_t workspace_size() const noexcept = 0;
  /// Of static storage, as is Backend::device.
  virtual const char* isa() const noexcept = 0;
  virtual int threads() const noexcept = 0;
  /// Lines of `key: value`, each ending in a newline.
  virtual std::string explain() const = 0;
  /// `device_error` where the device fails; nothing else can be refused any more.
  virtual Status run(const Arguments& arguments) const noexcept = 0;
};

class Backend {
 public:
  virtual const char* device() const noexcept = 0;
  /// Why this machine can use it or not.
  virtual Availability availability() const = 0;
  /// Whether it may be chosen where the caller names no device.
  virtual bool chosen_unasked() const noexcept { return true; }
  /// Refusals: `bad_option` for an option nobody has heard of, `unsupported` with the reason for what it can't do.
  virtual Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const = 0;

 protected:
  // Nothing to destroy, so that one of static storage is there before and after everything else.
  ~Backend() = default;
};

/// Changes with every change of what a back end in another library and libalng must agree on: the classes above, and
/// those of src/problem and include/alng that they speak of.
inline constexpr std::int32_t backend_interface = 2;

/// Every back end of this build, best first, then the registered ones; the first that accepts a problem gets it.
std::vector<const Backend*> backends();

/// What each of them says of itself.
std::vector<Availability> devices();

/// A back end that tried to register and has another `backend_interface`.
bool backend_left_out() noexcept;

// Defined by the back ends' own rooms, which come later than this one.
const Backend& cpu_backend() noexcept;
const Backend& reference_backend() noexcept;

}  // namespace alng::impl

/// The one entry of libalng that is not for callers: adds an alng::impl::Backend from a library built with the same
/// sources, which lives from then on; there is room for 16. One whose device is there already is left out, and so is
/// one whose `interface` is not this library's backend_interface. May be called from any thread; plans made from then
/// on see it.
extern "C" ALNG_EXPORT void alng_internal_register_backend(std::int32_t interface, const void* backend) noexcept;

#endif
