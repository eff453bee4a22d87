// What a back end hands to the kernels, and the table in which it finds them: a set for each dtype and instruction set,
// chosen once when a plan is made.
#ifndef ALNG_CPU_GRAD_KERNELS_H
#define ALNG_CPU_GRAD_KERNELS_H

#include <cstddef>
#include <cstdint>

#include "alng/tensor.hpp"
#include "cpu/instruction_set.h"
#include "cpu/memory.h"
#include "cpu/own_order.h"
#include "cpu/tuning.h"

namespace alng::impl::cpu {

/// Everything about a run that is the same for all its rows. Tensors the problem does not have keep a null base.
struct RunOperands {
  std::int64_t columns;
  /// columns and their padding
  std::int64_t padded_columns;
  /// 1 / columns in float32
  float inverse_columns;
  Tensor dy, x1, x2, dsum, dx, rstd, mean;
  /// Dense, float32, in the kernels' own order; null without gamma.
  const float* gamma;
  /// All of dy, x1, x2, dsum and dx have dense rows: nothing goes through scratch.
  bool dense;
  Tuning tuning;
};

/// The sums of a leaf or a block: `columns` values each, padded; null where not wanted.
struct Sums {
  float* dgamma;
  float* dbeta;
};

/// A row whose sums are known and whose dx is still to be written: that is done together with the next row.
struct Pending {
  const void* dy = nullptr;
  const void* x1 = nullptr;
  const void* x2 = nullptr;
  const void* dsum = nullptr;
  /// `at` is null where no row is pending.
  BuiltRow dx;
  float mean = 0, rstd = 0, m1 = 0, m2 = 0;
};

/// What a task keeps between leaves.
struct Task {
  Pending pending;
  /// h of the pending row: `padded_columns` floats.
  float* h;
  /// Five rows of the dtype, used where some tensor's rows are not dense.
  std::byte* rows;
  Staging staging;
};

/// Does rows [begin, end): writes dx of all of them but the last, which stays pending, and of the one that was; puts
/// their column sums (from +0) into `sums`. `block` is scratch of the same size, used where there are more rows than a
/// block has.
using RowPassFunction = void (*)(const RunOperands& run, std::int64_t begin, std::int64_t end, Sums sums, Sums block,
                                 Task& task);

/// Writes dx of the row that is pending, if any.
using FinishFunction = void (*)(const RunOperands& run, Task& task);

/// sum[j] += other[j]
using AddFunction = void (*)(float* sum, const float* other, std::int64_t columns);

/// output[j] = sum[j], or output[j] += sum[j]; every NaN canonical. Dense.
using WriteSumsFunction = void (*)(float* output, const float* sum, std::int64_t columns, bool accumulate);

struct Kernels {
  RowPassFunction row_pass;
  FinishFunction finish;
  AddFunction add;
  WriteSumsFunction write_sums;
  /// Of sums and gamma.
  OwnOrder order;
};

/// The kernels of one dtype. The instruction set is one that this machine runs.
Kernels kernels(DType dtype, InstructionSet isa) noexcept;

// The same for each dtype; each in a source of its own so that they compile at the same time.
Kernels kernels_float32(InstructionSet isa) noexcept;
Kernels kernels_float16(InstructionSet isa) noexcept;
Kernels kernels_bfloat16(InstructionSet isa) noexcept;

}  // namespace alng::impl::cpu

#endif
