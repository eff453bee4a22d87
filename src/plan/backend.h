// What a back end is: something that can say whether it is there, and turn a problem into an Execution or say why not.
#ifndef ALNG_PLAN_BACKEND_H
#define ALNG_PLAN_BACKEND_H

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alng/plan.hpp"

namespace alng {

/// A problem planned on one back end. Immutable. `run` is called with arguments that have been judged, and never with
/// an empty problem (plan.cc sees to both).
class Execution {
 public:
  virtual ~Execution() = default;
  virtual std::size_t workspace_size() const noexcept = 0;
  virtual std::string_view isa() const noexcept = 0;
  virtual int threads() const noexcept = 0;
  /// Lines of `key: value`, each ending in a newline.
  virtual std::string explain() const = 0;
  virtual void run(const Arguments& arguments) const noexcept = 0;
};

class Backend {
 public:
  virtual std::string_view device() const noexcept = 0;
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

/// Every back end of this build, best first, then the registered ones; the first that accepts a problem gets it.
std::vector<const Backend*> backends();

/// Adds a back end from outside of this library, which lives from then on; there is room for 16. One whose device is
/// there already is left out. May be called from any thread; plans made from then on see it.
ALNG_EXPORT void register_backend(const Backend& backend);

// Defined by the back ends' own rooms, which come later than this one.
const Backend& cpu_backend() noexcept;
const Backend& reference_backend() noexcept;

}  // namespace alng

#endif
