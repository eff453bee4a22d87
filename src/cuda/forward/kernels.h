// Parameters of the forward's kernels.
#ifndef ALNG_CUDA_FORWARD_KERNELS_H
#define ALNG_CUDA_FORWARD_KERNELS_H

#include <cstdint>

#include "cuda/stage_shape.h"
#include "cuda/view.h"

namespace alng::impl::cuda {

/// Tensors as they are staged: x1, x2.
struct ForwardRows {
  View tensors[2];
  View gamma, beta, y, mean, rstd, x;
  /// Of rows that are read once.
  StageShape shape;
  std::int64_t rows;
  std::int64_t columns;
  float inverse_columns;
  float eps;
  bool round_sum;
};

/// Of rows without columns.
struct EmptyStatistics {
  View mean, rstd;
  std::int64_t rows;
};

}  // namespace alng::impl::cuda

#endif
