// The gradient's rows of up to 512 * most_warps columns, each read once: dx, and the units' sums of dgamma and dbeta.
#ifndef ALNG_CUDA_GRAD_ROW_PASS_H
#define ALNG_CUDA_GRAD_ROW_PASS_H

#include "cuda/grad/column_sums.h"
#include "cuda/row_stages.h"
#include "cuda/row_values.h"
#include "cuda/segment_sums.h"

namespace alng::impl::cuda {

template <class T, Access access, int most_warps>
__global__ void __launch_bounds__(most_warps == 16 ? 512 : 256, most_warps == 16 ? 1 : 2)
    row_pass(const __grid_constant__ RowPass p) {
  enum { dy_at, x1_at, x2_at, dsum_at };
  using Rows = RowStages<T, access, 4>;
  constexpr int vector = Rows::vector, chunks = own_terms / vector;
  const Self self = self_of(p.shape);
  const int stream = static_cast<int>(block_x()) * p.shape.streams + self.stream;
  LeafWalk walk(p.units, stream, static_cast<int>(grid_x()) * p.shape.streams);
  Rows rows(p.shape, p.tensors, self, static_cast<std::uint32_t>(walk.first_row()), 1, walk.rows());
  const SegmentSums<most_warps> segments(p.shape, self);
  const ColumnValues<T, vector> gammas(p.shape, self, 0);
  gammas.fill(p.gamma, p.shape.columns, 1.0f);
  rows.begin();
  block_barrier(0, threads_of_block());
  allow_next_launch();

  float dgamma[own_terms], dbeta[own_terms];
#pragma unroll
  for (int o = 0; o < own_terms; ++o) dgamma[o] = dbeta[o] = 0.0f;

  float rstds = 0.0f, means = 0.0f;
  for (int i = 0; i < walk.rows(); ++i) {
    if ((i & 31) == 0 && i + self.lane < walk.rows()) {  // the statistics of 32 rows, one in each lane
      rstds = load_statistic(p.rstd, rows.row(i + self.lane));
      means = load_statistic(p.mean, rows.row(i + self.lane));
    }
    const float rstd = shuffle(rstds, static_cast<unsigned>(i & 31)),
                mean = shuffle(means, static_cast<unsigned>(i & 31));
    rows.arrive(i);

    float h[own_terms], w[own_terms], q[own_terms];
#pragma unroll
    for (int c = 0; c < chunks; ++c) {
      float dy[vector], x1[vector], x2[vector];
      rows.load(dy_at, i, c, uint4{0, 0, 0, 0}, dy);
      rows.load(x1_at, i, c, uint4{0, 0, 0, 0}, x1);
      rows.load(x2_at, i, c, minus_zero<T>(), x2);
#pragma unroll
      for (int e = 0; e < vector; ++e) {
        const int o = c * vector + e;
        h[o] = mul(sub(add(x1[e], x2[e]), mean), rstd);
        w[o] = dy[e];
        dgamma[o] = fma(dy[e], h[o], dgamma[o]);
        dbeta[o] = add(dbeta[o], dy[e]);
      }
    }
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      float gamma[4];
      gammas.read(k, gamma);
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int o = 4 * k + e;
        w[o] = mul(w[o], gamma[e]);
        // Beyond the row h may be infinite.
        q[o] = rows.column(o / vector) < p.shape.columns ? mul(w[o], h[o]) : 0.0f;
      }
    }
    float m1, m2;
    segments.template add_up<vector>(segment_sums<vector>(w, q, self.lane), i & 1, m1, m2);
    m1 = mul(m1, p.inverse_columns);
    m2 = mul(m2, p.inverse_columns);
    rows.refill(i);

    std::byte* const dx_row = rows.row_of(p.dx, i);
#pragma unroll
    for (int c = 0; c < chunks; ++c) {
      if (rows.column(c) >= p.shape.columns) continue;
      float dsum[vector], dx[vector];
      rows.load(dsum_at, i, c, minus_zero<T>(), dsum);
#pragma unroll
      for (int e = 0; e < vector; ++e) {
        const int o = c * vector + e;
        dx[e] = fma(rstd, fma(-h[o], m2, sub(w[o], m1)), dsum[e]);
      }
      store_chunk<T, vector>(p.dx, dx_row, rows.column(c), dx);
    }

    if (walk.block_ends(i)) {
      if (p.units.sums != nullptr) {
#pragma unroll
        for (int c = 0; c < chunks; ++c) {
          if (rows.column(c) >= p.shape.columns) continue;
          walk.template flush<vector>(i, 0, rows.column(c), dgamma + c * vector);
          walk.template flush<vector>(i, 1, rows.column(c), dbeta + c * vector);
        }
      }
#pragma unroll
      for (int o = 0; o < own_terms; ++o) dgamma[o] = dbeta[o] = 0.0f;
      walk.next_block(i);
    }
    rows.leave();
  }
}

}  // namespace alng::impl::cuda

#endif
