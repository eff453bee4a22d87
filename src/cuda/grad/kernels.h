// Parameters of the gradient's kernels.
#ifndef ALNG_CUDA_GRAD_KERNELS_H
#define ALNG_CUDA_GRAD_KERNELS_H

#include <cstdint>

#include "cuda/stage_shape.h"
#include "cuda/view.h"

namespace alng::impl::cuda {

/// Which leaves' sums a run of rows makes, and where they go. A unit is an aligned run of 2^n leaves, a subtree of the
/// leaf tree; a stream does units from first to last.
struct Units {
  /// Rows / leaves, and what is left over.
  std::int64_t leaf_rows;
  std::int32_t rows_left;
  std::int32_t leaves;
  /// A power of two; the last unit may have fewer.
  std::int32_t unit_leaves;
  std::int32_t units;
  /// Of `pending`.
  std::int32_t levels;
  /// From one row of sums to the next, in floats: the columns rounded up to 4.
  std::int32_t padded;
  /// [units][2][padded], dgamma first. Null: no sums are wanted.
  float* sums;
  /// [streams][levels][2][padded]: level 0 has the leaf at work, level l + 1 the left one of two subtrees of 2^l
  /// leaves.
  float* pending;
};

/// Rows in one reading; tensors as they are staged: dy, x1, x2, dsum.
struct RowPass {
  View tensors[4];
  View rstd, mean, gamma, dx;
  StageShape shape;
  Units units;
  float inverse_columns;
};

/// Longer rows: first sums of groups of segments for each row, [rows][groups][2] ...
struct RowSums {
  View dy, x1, x2, rstd, mean, gamma;
  std::int64_t rows;
  std::int64_t columns;
  std::int32_t groups;
  float* sums;
};
/// ... then m1 and m2 from them, [rows][2] ...
struct RowMeans {
  std::int64_t rows;
  std::int32_t groups;
  float inverse_columns;
  const float* sums;
  float* means;
};
/// ... then the rest, of 16 columns for each thread of a block. Null means: no dx.
inline constexpr int long_rows_threads = 256;
struct LongRows {
  View dy, x1, x2, rstd, mean, gamma, dsum, dx;
  std::int64_t columns;
  /// Whether h is needed at all.
  bool wants_h;
  const float* means;
  Units units;
};

/// Units' sums to dgamma and dbeta, [2].
struct ColumnPass {
  View out[2];
  const float* sums;
  std::int64_t columns;
  std::int32_t padded;
  std::int32_t units;
  /// That a thread adds.
  std::int32_t own_units;
  bool accumulate;
};

}  // namespace alng::impl::cuda

#endif
