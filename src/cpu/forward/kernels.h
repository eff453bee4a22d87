// What a back end hands to the forward's kernels, and the table in which it finds them: a set for each dtype and
// instruction set, chosen once when a plan is made.
#ifndef ALNG_CPU_FORWARD_KERNELS_H
#define ALNG_CPU_FORWARD_KERNELS_H

#include <cstddef>
#include <cstdint>

#include "alng/tensor.hpp"
#include "cpu/instruction_set.h"
#include "cpu/memory.h"
#include "cpu/own_order.h"
#include "cpu/tuning.h"

namespace alng::impl::cpu {

/// Everything about a run that is the same for all its rows. Tensors the problem does not have keep a null base.
struct ForwardOperands {
  std::int64_t columns;
  /// 1 / columns in float32
  float inverse_columns;
  float eps;
  bool round_sum;
  Tensor x1, x2, y, mean, rstd, x;
  /// Dense, float32, in the kernels' own order; null where absent.
  const float *gamma, *beta;
  /// All of x1, x2, y and x have dense rows: nothing goes through scratch.
  bool dense;
  Tuning tuning;

  bool has_all() const noexcept {
    return x2.base != nullptr && gamma != nullptr && beta != nullptr && x.base != nullptr && y.base != nullptr;
  }
};

/// Rows of a batch, which have at most so many columns (few_columns-inl.h).
inline constexpr std::int64_t batch_rows = 16;
inline constexpr std::int64_t batch_columns = 128;

/// A row that is not done yet.
struct UnfinishedRow {
  /// Negative where there is none.
  std::int64_t r = -1;
  /// y = (x - m - e) * rstd, scaled and shifted; e and rstd are known once it is judged.
  float m = 0, e = 0, rstd = 0;
};

/// What a task keeps from row to row.
struct ForwardTask {
  /// The row of which x and m are known, and the one before it, of which the statistics are.
  UnfinishedRow formed, judged;
  /// Their x in float32, padded columns each: of the first; and of the second, which x of the next row replaces. Where
  /// rows are done in batches there are batch_rows of them at x_formed.
  float *x_formed, *x_outer;
  /// Four rows of the dtype, used where some tensor's rows are not dense.
  std::byte* rows;
  /// Of y and of x.
  Staging y_staging, x_staging;
};

struct ForwardKernels {
  /// Does rows [begin, end), of which the last two stay pending, and what was left to do of those that were.
  void (*row_pass)(const ForwardOperands& run, std::int64_t begin, std::int64_t end, ForwardTask& task);
  /// Does what is left to do of the rows that are pending.
  void (*finish)(const ForwardOperands& run, ForwardTask& task);
  /// Of gamma and beta.
  OwnOrder order;
};

/// The kernels of one dtype. The instruction set is one that this machine runs.
ForwardKernels forward_kernels(DType dtype, InstructionSet isa) noexcept;

// The same for each dtype; each in a source of its own so that they compile at the same time.
ForwardKernels forward_kernels_float32(InstructionSet isa) noexcept;
ForwardKernels forward_kernels_float16(InstructionSet isa) noexcept;
ForwardKernels forward_kernels_bfloat16(InstructionSet isa) noexcept;

}  // namespace alng::impl::cpu

#endif
