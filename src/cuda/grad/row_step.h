// The gradient's formula for the terms of a thread in one row.
#ifndef ALNG_CUDA_GRAD_ROW_STEP_H
#define ALNG_CUDA_GRAD_ROW_STEP_H

#include "cuda/elements.h"
#include "cuda/grad/kernels.h"
#include "cuda/row_values.h"

namespace alng::impl::cuda {

/// Places in a stage.
enum { dy_at, x1_at, x2_at, dsum_at };

template <class T, class Rows>
ALNG_DEVICE void load_dy_and_h(const Rows& rows, int i, float mean, float rstd, float* dy, float* h) {
  constexpr int vector = Rows::vector;
#pragma unroll
  for (int c = 0; c < own_terms / vector; ++c) {
    float x1[vector], x2[vector];
    rows.load(dy_at, i, c, uint4{0, 0, 0, 0}, dy + c * vector);
    rows.load(x1_at, i, c, uint4{0, 0, 0, 0}, x1);
    rows.load(x2_at, i, c, minus_zero<T>(), x2);
#pragma unroll
    for (int e = 0; e < vector; ++e) h[c * vector + e] = mul(sub(add(x1[e], x2[e]), mean), rstd);
  }
}

/// w = dy * gamma, where dy was, and q = w * h.
template <class Rows, class Gammas>
ALNG_DEVICE void weigh(const Rows& rows, int i, const Gammas& gammas, const float* h, float* w, float* q) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    float gamma[4];
    gammas.read(k, gamma);
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int o = 4 * k + e;
      w[o] = mul(w[o], gamma[e]);
      // Beyond the row h may be infinite.
      q[o] = rows.has(i, o / Rows::vector) ? mul(w[o], h[o]) : 0.0f;
    }
  }
}

template <class T, class Rows>
ALNG_DEVICE void store_dx(const Rows& rows, int i, const View& view, float rstd, float m1, float m2, const float* h,
                          const float* w) {
  constexpr int vector = Rows::vector;
  std::byte* const row = rows.row_of(view, i);
#pragma unroll
  for (int c = 0; c < own_terms / vector; ++c) {
    if (!rows.has(i, c)) continue;
    float dsum[vector], dx[vector];
    rows.load(dsum_at, i, c, minus_zero<T>(), dsum);
#pragma unroll
    for (int e = 0; e < vector; ++e) {
      const int o = c * vector + e;
      dx[e] = fma(rstd, fma(-h[o], m2, sub(w[o], m1)), dsum[e]);
    }
    store_chunk<T, vector>(view, row, rows.column(c), dx);
  }
}

}  // namespace alng::impl::cuda

#endif
