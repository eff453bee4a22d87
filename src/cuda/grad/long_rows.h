// Rows of any length, and column sums alone: three kernels for dx, which read rows twice, and any strides. A block of
// row_sums has a group of 32 segments, a warp each; one of long_rows a tile of columns.
#ifndef ALNG_CUDA_GRAD_LONG_ROWS_H
#define ALNG_CUDA_GRAD_LONG_ROWS_H

#include "cuda/access.h"
#include "cuda/grad/column_sums.h"
#include "cuda/row_fold.h"
#include "order/row_sum.h"

namespace alng::impl::cuda {

template <class T>
ALNG_DEVICE float gamma_of(const View& view, std::int64_t column) {
  return view.data != nullptr ? load_column<T>(view, near_column_offset(view, column)) : 1.0f;
}

template <class T>
__global__ void __launch_bounds__(1024) row_sums(const __grid_constant__ RowSums p) {
  const int lane = static_cast<int>(thread_index() & 31), warp = static_cast<int>(thread_index() / 32);
  float* const sums = reinterpret_cast<float*>(shared_memory());  // [2][32]
  const std::int64_t tasks = p.rows * p.groups;
  for (std::int64_t task = block_x(); task < tasks; task += grid_x()) {
    const std::int64_t row = task / p.groups, group = task % p.groups;
    const std::int64_t segment = (group * group_segments + warp) * segment_terms;
    float sum = 0.0f;
    if (segment < p.columns) {
      const float rstd = load_statistic(p.rstd, row), mean = load_statistic(p.mean, row);
      const RowElements<T> dy(p.dy, row), x1(p.x1, row), x2(p.x2, row);
      const auto term = [&](int c) {
        const std::int64_t column = segment + Layout<1>::column(lane, c);
        if (column >= p.columns) return float2{0.0f, 0.0f};
        const float x = add(x1.load(column, 0.0f), x2.load(column, -0.0f));
        const float w = mul(dy.load(column, 0.0f), gamma_of<T>(p.gamma, column));
        return float2{w, mul(w, mul(sub(x, mean), rstd))};
      };
      sum = segment_sums_of(term, lane);
    }
    if (tells_sum<Layout<1>>(lane)) write_shared(sums + (has_second<Layout<1>>(lane) ? 32 : 0) + warp, sum);
    block_barrier(0, threads_of_block());
    if (warp < 2) {  // one for w, one for q; a lane for each segment, or for padding
      const bool here = lane < static_cast<int>(threads_of_block()) / 32;
      float v = here ? read_shared(sums + 32 * warp + lane) : 0.0f;
#pragma unroll
      for (unsigned distance = 16; distance > 0; distance /= 2) v = across(v, distance);
      if (lane == 0) write_global(p.sums + task * 2 + warp, v);
    }
    block_barrier(0, threads_of_block());
  }
}

static __global__ void __launch_bounds__(256) row_means(const __grid_constant__ RowMeans p) {
  wait_for_launch_before();
  const std::int64_t threads = static_cast<std::int64_t>(grid_x()) * threads_of_block();
  for (std::int64_t at = static_cast<std::int64_t>(block_x()) * threads_of_block() + thread_index(); at < 2 * p.rows;
       at += threads) {
    const std::int64_t row = at / 2, which = at % 2;
    float sum = 0.0f;
    for (int group = 0; group < p.groups; ++group) {
      sum = add(sum, read_global(p.sums + (row * p.groups + group) * 2 + which));
    }
    write_global(p.means + at, mul(sum, p.inverse_columns));
  }
}

template <class T>
__global__ void __launch_bounds__(long_rows_threads) long_rows(const __grid_constant__ LongRows p) {
  wait_for_launch_before();
  LeafWalk walk(p.units, static_cast<int>(block_y()), static_cast<int>(grid_y()));
  const int first_column = static_cast<int>(block_x() * own_terms * long_rows_threads + thread_index());
  const auto column = [&](int c) { return first_column + c * long_rows_threads; };
  float dgamma[own_terms], dbeta[own_terms];
#pragma unroll
  for (int c = 0; c < own_terms; ++c) dgamma[c] = dbeta[c] = 0.0f;
  const std::int64_t first_row = walk.first_row();
  for (int i = 0; i < walk.rows(); ++i) {
    const std::int64_t row = first_row + i;
    const RowElements<T> dys(p.dy, row), x1(p.x1, row), x2(p.x2, row), dsum(p.dsum, row);
    std::byte* const dx_row = p.dx.data != nullptr ? row_of(p.dx, row) : nullptr;
    float rstd = 0.0f, mean = 0.0f, m1 = 0.0f, m2 = 0.0f;
    if (p.wants_h) {
      rstd = load_statistic(p.rstd, row);
      mean = load_statistic(p.mean, row);
    }
    if (p.means != nullptr) {
      m1 = read_global(p.means + 2 * row);
      m2 = read_global(p.means + 2 * row + 1);
    }
#pragma unroll
    for (int c = 0; c < own_terms; ++c) {
      if (column(c) >= p.columns) continue;
      const float dy = dys.load(column(c), 0.0f);
      float h = 0.0f;
      if (p.wants_h) {
        h = mul(sub(add(x1.load(column(c), 0.0f), x2.load(column(c), -0.0f)), mean), rstd);
      }
      dgamma[c] = fma(dy, h, dgamma[c]);
      dbeta[c] = add(dbeta[c], dy);
      if (p.means == nullptr) continue;
      const float t = fma(-h, m2, sub(mul(dy, gamma_of<T>(p.gamma, column(c))), m1));
      store_element<T>(dx_row + near_column_offset(p.dx, column(c)), fma(rstd, t, dsum.load(column(c), -0.0f)));
    }
    if (!walk.block_ends(i)) continue;
    if (p.units.sums != nullptr) walk.template flush_all<own_terms, 1>(i, p.columns, column, dgamma, dbeta);
#pragma unroll
    for (int c = 0; c < own_terms; ++c) dgamma[c] = dbeta[c] = 0.0f;
    walk.next_block(i);
  }
}

}  // namespace alng::impl::cuda

#endif
