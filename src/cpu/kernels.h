// What a back end hands to the kernels, and the table in which it finds them: one row pass for each dtype, instruction set
// and set of tensors, chosen once when a plan is made.
#ifndef ALNG_CPU_KERNELS_H
#define ALNG_CPU_KERNELS_H

#include <cstddef>
#include <cstdint>

#include "alng/tensor.hpp"
#include "cpu/instruction_set.h"
#include "problem/rows.h"

namespace alng::cpu {

/// Which tensors a problem has: what a row pass is specialised for, beside the dtype.
struct Variant {
  bool gamma;
  bool x2;
  bool dsum;
  bool dx;
  bool dgamma;
  bool dbeta;
};

/// One tensor of a run: its layout and where its first element is.
struct Tensor {
  const Rows* rows = nullptr;
  std::byte* base = nullptr;

  std::byte* row(std::int64_t r) const noexcept { return base + rows->row.offset(r); }
};

/// Everything about a run that is the same for all its rows.
struct RowPass {
  std::int64_t columns;
  /// 1 / columns in float32
  float inverse_columns;
  Tensor dy, x1, x2, dsum, dx, rstd, mean;
  /// Dense, float32; null without gamma.
  const float* gamma;
  /// All of dy, x1, x2, dsum and dx have dense rows: nothing goes through scratch.
  bool dense;
  /// Write dx past the caches: it is too large to be found there by whoever reads it next.
  bool stream;
  /// Fetch the rows to come while the present ones are written.
  bool prefetch;
};

/// The sums of a leaf or a block: `columns` values each; null where not wanted.
struct Sums {
  float* dgamma;
  float* dbeta;
};

/// Does rows [begin, end): writes their dx and their column sums (from +0) into `sums`. `block` is scratch of the same size, used where there
/// are more rows than a block has; `rows` is scratch for five rows of the dtype, used where some tensor's rows are not dense.
using RowPassFunction = void (*)(const RowPass& pass, std::int64_t begin, std::int64_t end, Sums sums, Sums block,
                                 std::byte* rows);

/// sum[j] += other[j]
using AddFunction = void (*)(float* sum, const float* other, std::int64_t columns);

/// output[j] = sum[j], or output[j] += sum[j]; every NaN canonical. Dense.
using WriteSumsFunction = void (*)(float* output, const float* sum, std::int64_t columns, bool accumulate);

struct Kernels {
  RowPassFunction row_pass;
  AddFunction add;
  WriteSumsFunction write_sums;
};

/// The kernels of one dtype. The instruction set is one that this machine runs.
Kernels kernels(DType dtype, InstructionSet isa, const Variant& variant) noexcept;

// The same for each dtype; each in a source of its own so that they compile at the same time.
Kernels kernels_float32(InstructionSet isa, const Variant& variant) noexcept;
Kernels kernels_float16(InstructionSet isa, const Variant& variant) noexcept;
Kernels kernels_bfloat16(InstructionSet isa, const Variant& variant) noexcept;

}  // namespace alng::cpu

#endif
