// The forward's rows of up to 8192 columns, and in clusters of blocks of up to 65,536, each read once. Streams take
// rows in turn.
#ifndef ALNG_CUDA_FORWARD_ROW_PASS_H
#define ALNG_CUDA_FORWARD_ROW_PASS_H

#include "cuda/forward/row_step.h"
#include "cuda/row_stages.h"
#include "cuda/row_values.h"
#include "cuda/segment_sums.h"

namespace alng::impl::cuda {

template <class T, Access access, int row_threads>
__global__ void __launch_bounds__(most_threads(row_threads), least_blocks(row_threads))
    forward_row_pass(const __grid_constant__ ForwardRows p) {
  if constexpr (access == Access::bulk && !ALNG_HAS_SM90) return;
  enum { x1_at, x2_at };
  constexpr int lanes = row_threads < 32 ? row_threads : 32, at_once = 32 / lanes;
  using Rows = RowStages<T, access, 2, lanes>;
  using L = typename Rows::L;
  constexpr int vector = Rows::vector, chunks = own_terms / vector;
  constexpr bool clustered = row_threads > most_block_threads;
  const Self self = self_of<clustered>(p.shape);
  const unsigned blocks = clustered ? cluster_blocks() : 1;  // of a stream
  const unsigned stream =
      block_x() / blocks * static_cast<unsigned>(p.shape.streams) + static_cast<unsigned>(self.stream);
  const unsigned step = at_once * (grid_x() / blocks) * static_cast<unsigned>(p.shape.streams),
                 first = at_once * stream;
  const auto all = static_cast<unsigned>(p.rows);
  const int count = static_cast<int>(first < all ? (all - first - 1) / step + 1 : 0);
  Rows rows(p.shape, p.tensors, self, first + (at_once > 1 ? static_cast<unsigned>(self.lane / lanes) : 0), step, all);
  const SumsOfRows<row_threads, L> segments(p.shape, self);
  const ColumnValues<T, Rows> gammas(p.shape, self, 0), betas(p.shape, self, 1);
  gammas.fill(p.gamma, p.shape.columns, 1.0f);
  betas.fill(p.beta, p.shape.columns, -0.0f);
  rows.begin();
  segments.begin();

  for (int i = 0; i < count; ++i) {
    rows.arrive(i);
    float x[own_terms];
#pragma unroll
    for (int c = 0; c < chunks; ++c) {
      float x1[vector], x2[vector];
      rows.load(x1_at, i, c, uint4{0, 0, 0, 0}, x1);
      rows.load(x2_at, i, c, minus_zero<T>(), x2);
#pragma unroll
      for (int e = 0; e < vector; ++e) x[c * vector + e] = formed_sum<T>(x1[e], x2[e], p.round_sum);
    }
    if (p.x.data != nullptr) {
      std::byte* const x_row = rows.row_of(p.x, i);
#pragma unroll
      for (int c = 0; c < chunks; ++c) {
        if (rows.has(i, c)) store_chunk<T, vector>(p.x, x_row, rows.column(c), x + c * vector);
      }
    }
    float m, unused;
    segments.add_up(segment_sum<L>(x, self.lane), 0, m, unused);
    m = mul(m, p.inverse_columns);
    float squares[own_terms];
#pragma unroll
    for (int o = 0; o < own_terms; ++o) {
      x[o] = rows.has(i, o / vector) ? sub(x[o], m) : 0.0f;  // from here on c
      squares[o] = mul(x[o], x[o]);
    }
    float sum, sum_of_squares;
    segments.add_up(segment_sums<L>(x, squares, self.lane), 1, sum, sum_of_squares);
    const RowStatistics of_row = statistics_of(m, sum, sum_of_squares, p);
    rows.refill(i);
    if (self.in_row % row_threads == 0 && self.first_segment == 0 && rows.has_row(i))
      store_statistics(p, rows.row(i), of_row);
    if (p.y.data != nullptr) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        float gamma[4], beta[4];
        gammas.read(k, gamma);
        betas.read(k, beta);
#pragma unroll
        for (int e = 0; e < 4; ++e) x[4 * k + e] = y_of(x[4 * k + e], of_row, gamma[e], beta[e]);
      }
      std::byte* const y_row = rows.row_of(p.y, i);
#pragma unroll
      for (int c = 0; c < chunks; ++c) {
        if (rows.has(i, c)) store_chunk<T, vector>(p.y, y_row, rows.column(c), x + c * vector);
      }
    }
    rows.leave();
  }
}

}  // namespace alng::impl::cuda

#endif
