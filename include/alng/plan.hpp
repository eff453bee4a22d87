// How a problem is done (a plan), and the calls that do it.
#ifndef ALNG_PLAN_HPP
#define ALNG_PLAN_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alng/c_structs.hpp"
#include "alng/language.h"
#include "alng/memory.hpp"
#include "alng/options.hpp"
#include "alng/problem.hpp"
#include "alng/status.hpp"

namespace alng {

/// The version of the canonical order, the fixed order of every sum that makes results the same bits everywhere
/// (docs/numerics.md). Results of equal versions are comparable bit for bit. It changes with a major version only.
inline int canonical_order() noexcept { return alng_canonical_order(); }

/// How a problem is done on one device: immutable, printable, shareable between threads, cheap to copy.
template <class Operator>
class PlanOf {
 public:
  using Problem = ProblemOf<Operator>;
  using Arguments = typename Operator::Arguments;

  /// Chooses back end, instruction set and partition. Refusals: `bad_option` for a device or instruction set nobody has
  /// heard of, `unsupported` for one that cannot do this here, with the reason, `out_of_memory`.
  static Result<PlanOf> create(const Problem& problem, const PlanOptions& options = {}) noexcept {
    return c_structs::guarded([&]() -> Result<PlanOf> {
      const auto asked = c_structs::problem<Operator>(problem.description());
      const alng_options wanted = c_structs::options(options);
      alng_plan* plan = nullptr;
      Status status =
          c_structs::call([&](alng_status* said) { return Operator::plan_create(&asked, &wanted, &plan, said); });
      if (!status.ok()) return status;
      Handle handle(plan);
      return PlanOf(std::make_shared<const State>(State{problem, std::move(handle)}));
    });
  }

  const Problem& problem() const noexcept { return state_->problem; }
  /// Bytes of scratch memory a run needs; on the CPU at most 1 MiB + 512 * columns, and 256 KiB + 128 *
  /// columns for each of threads() beyond the first, whatever the number of rows.
  std::size_t workspace_size() const noexcept { return alng_plan_workspace_size(handle()); }
  /// That of the plan's device; none (false) where the pointers of `Arguments` are the host's.
  Memory memory() const noexcept { return Memory(alng_plan_memory(handle())); }
  /// `"cpu"`, `"reference"`, `"cuda:0"`, `"ascend:a2"`, ...
  std::string_view device() const noexcept { return alng_plan_device(handle()); }
  /// `"avx512"`, ...; `"scalar"` on the reference; the architecture, `"sm_90"` on CUDA, `"2201"` or `"3510"` on
  /// `ascend:*`.
  std::string_view isa() const noexcept { return alng_plan_isa(handle()); }
  /// Tasks that a run hands to its threads; 1: all is done on the calling thread.
  int threads() const noexcept { return alng_plan_threads(handle()); }
  /// The plan in words, several lines: device, instruction set, threads, leaves, workspace, the version of the
  /// canonical order.
  std::string explain() const {
    std::string text(alng_plan_explain(handle(), nullptr, 0), '\0');
    alng_plan_explain(handle(), text.data(), text.size() + 1);
    return text;
  }

  /// Computes the outputs. On the CPU it allocates nothing, locks nothing, prints nothing; safe to call from several
  /// threads at once with different workspaces and outputs. Floating-point settings of the caller (rounding, flush to
  /// zero) neither change the result nor are changed. On CUDA it only begins the work, on the arguments' stream, and
  /// may be captured in a graph; all pointers are the GPU's.
  ///
  /// Refusals: `null_pointer`, `bad_stride`, `overlap`, `bad_workspace`, `bad_option`; the outputs are then untouched.
  /// After a `device_error` they may be partly written.
  Status run(const Arguments& arguments) const noexcept {
    return c_structs::with_arguments<Operator>(
        arguments, [&](const auto& where, alng_status* said) { return Operator::run(handle(), &where, said); });
  }

 private:
  struct Destroy {
    void operator()(alng_plan* plan) const noexcept { alng_plan_destroy(plan); }
  };
  using Handle = std::unique_ptr<alng_plan, Destroy>;
  struct State {
    Problem problem;
    Handle handle;
  };
  explicit PlanOf(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
  const alng_plan* handle() const noexcept { return state_->handle.get(); }
  std::shared_ptr<const State> state_;
};

using ForwardPlan = PlanOf<c_structs::Forward>;
using GradPlan = PlanOf<c_structs::Grad>;

namespace c_structs {

template <class Operator>
Status one_call(const typename Operator::Description& description, const typename Operator::Arguments& arguments,
                const PlanOptions& options) noexcept {
  const auto asked = problem<Operator>(description);
  const alng_options wanted = c_structs::options(options);
  return with_arguments<Operator>(arguments, [&](const auto& where, alng_status* said) {
    return Operator::one_call(&asked, &where, &wanted, said);
  });
}

}  // namespace c_structs

/// Problem, plan, workspace and run in one call. Allocates the workspace; for repeated work keep a plan. `workspace`
/// and `workspace_size` of the arguments are ignored. On a device with memory of its own it returns when all is done.
inline Status add_layer_norm(const ForwardDescription& description, const ForwardArguments& arguments,
                             const PlanOptions& options = {}) noexcept {
  return c_structs::one_call<c_structs::Forward>(description, arguments, options);
}
/// The same for the gradient.
inline Status add_layer_norm_grad(const GradDescription& description, const GradArguments& arguments,
                                  const PlanOptions& options = {}) noexcept {
  return c_structs::one_call<c_structs::Grad>(description, arguments, options);
}

/// The devices this build knows; the CPU, the default, first.
inline std::vector<Availability> devices() { return c_structs::list(alng_device); }
/// The CPU instruction sets this build knows, best first.
inline std::vector<Availability> instruction_sets() { return c_structs::list(alng_instruction_set); }

/// `"0.1.0"`: of the library, not of these headers.
inline const char* version() noexcept { return alng_version(); }

}  // namespace alng

#endif
