// The gradient's rows of 257 to 8192 columns, and in clusters of blocks of up to 65,536, each read once: dx, and the
// units' sums of dgamma and dbeta.
#ifndef ALNG_CUDA_GRAD_ROW_PASS_H
#define ALNG_CUDA_GRAD_ROW_PASS_H

#include "cuda/grad/column_sums.h"
#include "cuda/grad/row_step.h"
#include "cuda/row_stages.h"
#include "cuda/row_values.h"
#include "cuda/segment_sums.h"

namespace alng::impl::cuda {

template <class T, Access access, int row_threads>
__global__ void __launch_bounds__(most_threads(row_threads), least_blocks(row_threads))
    row_pass(const __grid_constant__ RowPass p) {
  if constexpr (access == Access::bulk && !ALNG_HAS_SM90) return;
  using Rows = RowStages<T, access, 4, 32>;
  constexpr bool clustered = row_threads > most_block_threads;
  const Self self = self_of<clustered>(p.shape);
  const int blocks = clustered ? static_cast<int>(cluster_blocks()) : 1;  // of a stream
  const int stream = static_cast<int>(block_x()) / blocks * p.shape.streams + self.stream;
  LeafWalk walk(p.units, stream, static_cast<int>(grid_x()) / blocks * p.shape.streams);
  const auto first_row = static_cast<std::uint32_t>(walk.first_row());
  Rows rows(p.shape, p.tensors, self, first_row, 1, first_row + static_cast<std::uint32_t>(walk.rows()));
  const SumsOfRows<row_threads, typename Rows::L> segments(p.shape, self);
  const ColumnValues<T, Rows> gammas(p.shape, self, 0);
  gammas.fill(p.gamma, p.shape.columns, 1.0f);
  rows.begin();
  segments.begin();
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
    load_dy_and_h<T>(rows, i, mean, rstd, w, h);
#pragma unroll
    for (int o = 0; o < own_terms; ++o) {
      dgamma[o] = fma(w[o], h[o], dgamma[o]);
      dbeta[o] = add(dbeta[o], w[o]);
    }
    weigh(rows, i, gammas, h, w, q);
    float m1, m2;
    segments.add_up(segment_sums<typename Rows::L>(w, q, self.lane), i & 1, m1, m2);
    m1 = mul(m1, p.inverse_columns);
    m2 = mul(m2, p.inverse_columns);
    rows.refill(i);
    store_dx<T>(rows, i, p.dx, rstd, m1, m2, h, w);

    if (walk.block_ends(i)) {
      if (p.units.sums != nullptr) {
        const auto column = [&](int c) { return rows.column(c); };
        walk.template flush_all<own_terms, Rows::vector>(i, p.shape.columns, column, dgamma, dbeta);
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
