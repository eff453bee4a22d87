// The forward's formula for one row, and for one element.
#ifndef ALNG_CUDA_FORWARD_ROW_STEP_H
#define ALNG_CUDA_FORWARD_ROW_STEP_H

#include "cuda/access.h"
#include "cuda/forward/kernels.h"

namespace alng::impl::cuda {

template <class T>
ALNG_DEVICE float formed_sum(float x1, float x2, bool round_sum) {
  const float x = add(x1, x2);
  return round_sum ? T::rounded(x) : x;
}

struct RowStatistics {
  float e, mean, rstd;
};

/// m is what row_sum(x) gave, the other two sums are of x - m and its square.
ALNG_DEVICE RowStatistics statistics_of(float m, float sum, float squares, const ForwardRows& p) {
  const float e = mul(sum, p.inverse_columns);
  const float v = fma(-e, e, mul(squares, p.inverse_columns));
  return {e, add(m, e), reciprocal(square_root(add(v < 0.0f ? 0.0f : v, p.eps)))};
}

/// c = x - m. An absent gamma is 1 and an absent beta -0: the same bits as without them.
ALNG_DEVICE float y_of(float c, const RowStatistics& row, float gamma, float beta) {
  return fma(mul(sub(c, row.e), row.rstd), gamma, beta);
}

template <class Index>
ALNG_DEVICE void store_statistics(const ForwardRows& p, Index row, const RowStatistics& of_row) {
  if (p.mean.data != nullptr) store_element<Float32>(row_of(p.mean, row), of_row.mean);
  if (p.rstd.data != nullptr) store_element<Float32>(row_of(p.rstd, row), of_row.rstd);
}

}  // namespace alng::impl::cuda

#endif
