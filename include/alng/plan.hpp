// How a problem is done (Plan) and where its data is (Arguments).
#ifndef ALNG_PLAN_HPP
#define ALNG_PLAN_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alng/export.h"
#include "alng/problem.hpp"
#include "alng/status.hpp"

namespace alng {

/// The version of the canonical order, the fixed order of every sum that makes results the same bits everywhere
/// (docs/numerics.md). Results of equal versions are comparable bit for bit. It changes with a major version only.
inline constexpr int canonical_order = 1;

/// Threads brought by the caller. A plain pair of function and context, so that any pool can be wrapped. An exception
/// that leaves `parallel` ends the process.
struct Executor {
  /// Runs `task(task_data, i)` once for every i in [0, count), on any threads, in any order, one after another or at
  /// once, and returns when all have returned. May be called from several threads at once where plans are run so.
  void (*parallel)(void* context, std::int32_t count, void (*task)(void* task_data, std::int32_t index),
                   void* task_data) = nullptr;
  /// Handed through to `parallel`.
  void* context = nullptr;
};

/// How a plan shall be made. The defaults choose what is fastest here; no choice but that of an `ascend:*` device
/// changes a bit of the result.
struct PlanOptions {
  /// A device as `devices()` names it: `"cpu"`, `"reference"` (the scalar specification, slow), or empty for the best.
  /// Programs that link the model of the Ascend package also have `"ascend:a2"`, `"ascend:a3"`, `"ascend:950pr"` and
  /// `"ascend:950dt"`: that product's kernel, run exactly and very slowly. They are never chosen unasked, and their
  /// sums have the hardware's order, not the canonical one.
  std::string device;
  /// An instruction set as `instruction_sets()` names it: `"scalar"`, `"avx2"`, `"avx512"`, `"neon"`, `"sve"`. Empty:
  /// what the environment variable ALNG_ISA names, else the best this machine runs.
  std::string isa;
  /// The most tasks that may run at once; 0: as many as there are processors for the calling thread. A plan uses fewer
  /// where more would not help (small problems run on the calling thread alone). On `ascend:*` the number of vector
  /// cores.
  int threads = 0;
};

/// Where the data is. Pointers are to the first element of each tensor (the element whose indices are all 0); the
/// caller owns all of it and keeps it alive during `run`. Any alignment is accepted that the element type itself needs
/// (4 bytes for float32, 2 for the 16-bit types; the workspace any); a pointer between two elements is refused
/// (`bad_stride`: the offset is not a whole number of elements).
///
/// A pointer is given exactly for the tensors that the problem has. A tensor without elements may be null.
///
/// Overlap: dx may start at exactly the address of dy, x1, x2 or dsum where the strides of the two are the same. Any
/// other overlap between an output and another tensor, or of the workspace with anything, is refused (`overlap`).
/// Inputs may overlap inputs. Interleaved tensors that share no byte, such as column slices of one wide buffer or its
/// even and odd rows, do not overlap; a layout too tangled to tell (no common period keeps the two apart) is refused.
struct Arguments {
  const void* dy = nullptr;
  const void* x1 = nullptr;
  const void* x2 = nullptr;
  const float* rstd = nullptr;
  const float* mean = nullptr;
  const void* gamma = nullptr;
  const void* dsum = nullptr;
  void* dx = nullptr;
  float* dgamma = nullptr;
  float* dbeta = nullptr;
  /// Scratch memory of at least `Plan::workspace_size()` bytes, its contents meaningless before and after. One run at
  /// a time may use it.
  void* workspace = nullptr;
  std::size_t workspace_size = 0;
  /// The caller's threads, or null for the library's own. Those are made where a plan is made, fewer or none of them
  /// where the system gives no more, and stay until the process ends; they see none of its signals but faults. What no
  /// other thread does the calling one does, also in a forked child, where a plan made anew gets threads anew.
  const Executor* executor = nullptr;
};

/// How a problem is done on one device: immutable, printable, shareable between threads, cheap to copy.
class ALNG_EXPORT Plan {
 public:
  /// Chooses back end, instruction set and partition. Refusals: `bad_option` for a device or instruction set nobody has
  /// heard of, `unsupported` for one that cannot do this here, with the reason, `out_of_memory`.
  static Result<Plan> create(const Problem& problem, const PlanOptions& options = {}) noexcept;

  const Problem& problem() const noexcept;
  /// Bytes of scratch memory a run needs; at most 1 MiB + 512 * columns on the CPU, whatever the number of rows.
  std::size_t workspace_size() const noexcept;
  /// `"cpu"`, `"reference"`, `"ascend:a2"`, ...
  std::string_view device() const noexcept;
  /// `"avx512"`, ...; `"scalar"` on the reference; the architecture, `"2201"` or `"3510"`, on `ascend:*`.
  std::string_view isa() const noexcept;
  /// Tasks that a run hands to its threads; 1: all is done on the calling thread.
  int threads() const noexcept;
  /// The plan in words, several lines: device, instruction set, threads, leaves, workspace, and why other back ends
  /// were passed over.
  std::string explain() const;

  /// Computes the outputs. On the CPU it allocates nothing, locks nothing, prints nothing; safe to call from several
  /// threads at once with different workspaces and outputs. Floating-point settings of the caller (rounding, flush to
  /// zero) neither change the result nor are changed.
  ///
  /// Refusals: `null_pointer`, `bad_stride`, `overlap`, `bad_workspace`; the outputs are then untouched.
  Status run(const Arguments& arguments) const noexcept;

 private:
  struct State;
  explicit Plan(std::shared_ptr<const State> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

/// Problem, plan, workspace and run in one call. Allocates the workspace; for repeated work keep a Plan. `workspace`
/// and `workspace_size` of the arguments are ignored.
ALNG_EXPORT Status add_layer_norm_grad(const ProblemDescription& description, const Arguments& arguments,
                                       const PlanOptions& options = {}) noexcept;

/// A device or an instruction set, and whether this machine has it.
struct Availability {
  std::string name;
  bool available = false;
  /// Why it is, or why it is not, in a few words.
  std::string reason;
};

/// The devices this build knows, best first.
ALNG_EXPORT std::vector<Availability> devices();
/// The CPU instruction sets this build knows, best first.
ALNG_EXPORT std::vector<Availability> instruction_sets();

/// `"1.0.0"`.
ALNG_EXPORT const char* version() noexcept;

}  // namespace alng

#endif
