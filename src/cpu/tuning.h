// What a run does differently by processor, sizes and dtype: chosen once for a plan, printed by explain, read by the
// kernels. No choice changes a bit.
#ifndef ALNG_CPU_TUNING_H
#define ALNG_CPU_TUNING_H

#include <cstdint>
#include <string>

#include "alng/status.hpp"
#include "cpu/instruction_set.h"
#include "problem/problem.h"

namespace alng::impl::cpu {

/// Where inputs are fetched to ahead of their use; nowhere where they are likely to be in cache.
enum class Fetch { nowhere, first_level, second_level };

struct Tuning {
  /// `nowhere` where some rows are not dense.
  Fetch fetch = Fetch::nowhere;
  /// Outputs of the problem's size are written past the caches: they are too large to be found there by whoever reads
  /// them next.
  bool stream = false;
  /// Of a forward: rows of few columns are done 16 at a time, where the rows of all tensors are dense and those of
  /// outputs need no staging. Only with AVX-512.
  bool in_batches = false;
  /// Each row is done before the next begins, not in the sweep of the next. Only where all tensors are dense, and of a
  /// gradient where all are there.
  bool row_by_row = false;
  /// Of a gradient: every second sweep adds both its rows to the column sums. Only where dx and both sums are wanted
  /// and all is dense.
  bool in_twos = false;
  /// Each task makes copies of its own of gamma and beta where kernels need them in an order of their own.
  bool own_copies = false;
  /// More tasks than this cost more to wake, and their column sums more to move between cores, than they save.
  std::int64_t most_tasks = 1;

  /// As lines of PlanOf::explain: of the inputs, and of dx and the column sums.
  std::string explain_inputs() const;
  std::string explain_dx() const;
  /// "past the caches" or "through the caches"
  const char* where_written() const noexcept { return stream ? "past the caches" : "through the caches"; }
};

/// What of a problem's layouts matters here: the rows of all tensors with a value for each element, or of the outputs
/// among them, lie dense.
struct DenseRows {
  bool all;
  bool outputs;
};

/// The fastest choices on this processor, but for what the environment variable ALNG_TUNING says, a list such as
/// "fetch=first,stream=off": fetch (nowhere, first, second), stream, in_batches, row_by_row, in_twos, own_copies (on,
/// off). What a problem or an instruction set can't have stays as it is. `bad_option` for anything else in the
/// variable.
Result<Tuning> choose_forward_tuning(const Problem& problem, InstructionSet isa, DenseRows dense);
Result<Tuning> choose_grad_tuning(const Problem& problem, InstructionSet isa, DenseRows dense);

}  // namespace alng::impl::cpu

#endif
