// What a back end hands to the kernels, and the table in which it finds them: a set for each dtype and instruction set,
// chosen once when a plan is made.
#ifndef ALNG_CPU_GRAD_KERNELS_H
#define ALNG_CPU_GRAD_KERNELS_H

#include <cstddef>
#include <cstdint>

#include "alng/tensor.hpp"
#include "cpu/instruction_set.h"
#include "cpu/tuning.h"
#include "problem/rows.h"

namespace alng::impl::cpu {

/// Arrays of a value for each column that kernels read and write whole vectors of (h, sums, their own copy of gamma)
/// are padded to a multiple of this many.
inline constexpr std::int64_t column_padding = 32;

inline constexpr std::int64_t padded(std::int64_t columns) noexcept {
  return (columns + column_padding - 1) / column_padding * column_padding;
}

/// One tensor of a run: its layout and where its first element is.
struct Tensor {
  const Rows* rows = nullptr;
  std::byte* base = nullptr;

  std::byte* row(std::int64_t r) const noexcept { return base + rows->row.offset(r); }
};

/// Everything about a run that is the same for all its rows. Tensors the problem does not have keep a null base.
struct RunOperands {
  std::int64_t columns;
  /// columns and their padding
  std::int64_t padded_columns;
  /// 1 / columns in float32
  float inverse_columns;
  Tensor dy, x1, x2, dsum, dx, rstd, mean;
  /// Dense, float32; null without gamma. In the kernels' own order where they have one (Kernels::to_own_order).
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
  /// Where dx is built; null where no row is pending.
  void* dx = nullptr;
  /// Where it belongs: the same place, or dx is copied or scattered from there.
  std::byte* out = nullptr;
  float mean = 0, rstd = 0, m1 = 0, m2 = 0;
  bool stream = false;
};

/// Where dx is built that is streamed to rows which do not begin on a line (LineWriter in row_output-inl.h).
struct Staging {
  /// A row of the dtype and a line, aligned to a line.
  std::byte* memory;
  /// Up to where the row in it is copied already.
  std::size_t written = 0;
  /// Its first bytes that are the last ones of the row before and wait there for the next row to fill their line, and
  /// where that line belongs.
  std::size_t carried = 0;
  std::byte* carried_to = nullptr;
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

/// wide[j] = gamma[j] in float32, in the kernels' own order; gamma is dense and of the kernels' dtype, `wide` padded.
using WidenFunction = void (*)(const void* gamma, float* wide, std::int64_t columns);

/// Reorders, in place, values for each column between natural order and the kernels' own. `padded_columns` is a
/// multiple of 32.
using ReorderFunction = void (*)(float* values, std::int64_t padded_columns);

struct Kernels {
  RowPassFunction row_pass;
  FinishFunction finish;
  AddFunction add;
  WriteSumsFunction write_sums;
  WidenFunction widen;
  /// Null where sums and gamma are in natural order.
  ReorderFunction to_own_order;
  ReorderFunction to_natural_order;
};

/// The kernels of one dtype. The instruction set is one that this machine runs.
Kernels kernels(DType dtype, InstructionSet isa) noexcept;

// The same for each dtype; each in a source of its own so that they compile at the same time.
Kernels kernels_float32(InstructionSet isa) noexcept;
Kernels kernels_float16(InstructionSet isa) noexcept;
Kernels kernels_bfloat16(InstructionSet isa) noexcept;

}  // namespace alng::impl::cpu

#endif
