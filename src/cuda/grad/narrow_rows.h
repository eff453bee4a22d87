// The gradient's rows of up to 256 columns, each read once: several rows to a warp for dx, and then each thread a few
// columns of all of them for dgamma and dbeta, which are sums from row to row.
#ifndef ALNG_CUDA_GRAD_NARROW_ROWS_H
#define ALNG_CUDA_GRAD_NARROW_ROWS_H

#include "cuda/grad/column_sums.h"
#include "cuda/grad/row_step.h"
#include "cuda/row_stages.h"
#include "cuda/row_values.h"
#include "cuda/segment_sums.h"

namespace alng::impl::cuda {

/// dy and h of the rows that a stream has at once, from the threads that have rows to the same threads that have
/// columns: [dy, h][quarter of a thread's terms][thread] float4. Its quarters are as far apart as lets no access meet a
/// bank twice.
template <class L>
class Exchange {
 public:
  /// Of a thread that has columns.
  static constexpr int own_columns = L::row_lanes * own_terms / narrow_threads;

  ALNG_DEVICE Exchange(const StageShape& shape, const Self& self)
      : thread_(self.in_row),
        memory_(reinterpret_cast<float*>(shared_memory() + shape.sums) + self.stream * exchange_floats),
        columns_(memory_ + thread_ / row_floats * exchange_quarter + thread_ % row_floats) {}

  ALNG_DEVICE void write(const float* dy, const float* h) const {
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      float* const to = memory_ + k * exchange_quarter + 4 * thread_;
      write_shared(reinterpret_cast<float4*>(to), float4{dy[4 * k], dy[4 * k + 1], dy[4 * k + 2], dy[4 * k + 3]});
      write_shared(reinterpret_cast<float4*>(to + exchange_floats / 2),
                   float4{h[4 * k], h[4 * k + 1], h[4 * k + 2], h[4 * k + 3]});
    }
  }
  /// Of the thread's column v in the row-th row that is here.
  ALNG_DEVICE float dy(int row, int v) const { return read_shared(columns_ + row * row_floats + v * step); }
  ALNG_DEVICE float h(int row, int v) const {
    return read_shared(columns_ + row * row_floats + v * step + exchange_floats / 2);
  }
  ALNG_DEVICE int column(int v) const {
    const int at = v * narrow_threads + thread_, in_quarter = at % row_floats;
    const int term = 4 * (at / row_floats) + in_quarter % 4;
    return L::column(in_quarter / 4, term / vector) + term % vector;
  }

 private:
  static constexpr int vector = own_terms / L::chunks;
  /// Of a row, in each quarter.
  static constexpr int row_floats = 4 * L::row_lanes;
  static constexpr int step = narrow_threads / row_floats * exchange_quarter;

  const int thread_;
  float* const memory_;
  const float* const columns_;
};

template <class T, Access access, int lanes>
__global__ void __launch_bounds__(256, 2) narrow_row_pass(const __grid_constant__ RowPass p) {
  using Rows = RowStages<T, access, 4, lanes>;
  using L = typename Rows::L;
  constexpr int at_once = narrow_threads / lanes, own_columns = Exchange<L>::own_columns;
  const Self self = self_of(p.shape);
  const int stream = static_cast<int>(block_x()) * p.shape.streams + self.stream;
  LeafWalk walk(p.units, stream, static_cast<int>(grid_x()) * p.shape.streams);
  const auto first_row = static_cast<std::uint32_t>(walk.first_row());
  Rows rows(p.shape, p.tensors, self, first_row + static_cast<std::uint32_t>(self.in_row / lanes), at_once,
            first_row + static_cast<std::uint32_t>(walk.rows()));
  const SegmentSums<1, L> segments(p.shape, self);
  const Exchange<L> exchange(p.shape, self);
  const ColumnValues<T, Rows> gammas(p.shape, self, 0);
  gammas.fill(p.gamma, p.shape.columns, 1.0f);
  rows.begin();
  segments.begin();
  allow_next_launch();
  const auto wait_for_stream = [&] { block_barrier(1 + static_cast<unsigned>(self.stream), narrow_threads); };

  float dgamma[own_columns], dbeta[own_columns];
#pragma unroll
  for (int v = 0; v < own_columns; ++v) dgamma[v] = dbeta[v] = 0.0f;

  float next_rstd = 0.0f, next_mean = 0.0f;
  const auto fetch_statistics = [&](int i) {
    if (!rows.has_row(i)) return;
    next_rstd = load_statistic(p.rstd, rows.row(i));
    next_mean = load_statistic(p.mean, rows.row(i));
  };
  fetch_statistics(0);
  for (int i = 0; i * at_once < walk.rows(); ++i) {
    const float rstd = next_rstd, mean = next_mean;
    rows.arrive(i);
    fetch_statistics(i + 1);
    float h[own_terms], w[own_terms], q[own_terms];
    load_dy_and_h<T>(rows, i, mean, rstd, w, h);
    if (i > 0) wait_for_stream();  // all are done with the rows before
    exchange.write(w, h);
    weigh(rows, i, gammas, h, w, q);
    float m1, m2;
    segments.add_up(segment_sums<L>(w, q, self.lane), 0, m1, m2);
    store_dx<T>(rows, i, p.dx, rstd, mul(m1, p.inverse_columns), mul(m2, p.inverse_columns), h, w);
    rows.leave();

    wait_for_stream();
    const int begin = i * at_once, end = begin + at_once < walk.rows() ? begin + at_once : walk.rows();
    for (int row = begin; row < end;) {
      const int stop = walk.block_end() < end ? walk.block_end() : end;
#pragma unroll 4
      for (; row < stop; ++row) {
#pragma unroll
        for (int v = 0; v < own_columns; ++v) {
          const float dy = exchange.dy(row - begin, v);
          dgamma[v] = fma(dy, exchange.h(row - begin, v), dgamma[v]);
          dbeta[v] = add(dbeta[v], dy);
        }
      }
      if (!walk.block_ends(row - 1)) continue;
      if (p.units.sums != nullptr) {
        const auto column = [&](int v) { return exchange.column(v); };
        walk.template flush_all<own_columns, 1>(row - 1, p.shape.columns, column, dgamma, dbeta);
      }
#pragma unroll
      for (int v = 0; v < own_columns; ++v) dgamma[v] = dbeta[v] = 0.0f;
      walk.next_block(row - 1);
    }
  }
}

}  // namespace alng::impl::cuda

#endif
