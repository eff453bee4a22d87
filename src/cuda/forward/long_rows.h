// The forward's rows of any length and any strides: a block of up to 32 warps has a row and reads it three times, which
// for rows that fit in the cache of the second level is one reading of memory. A warp has a segment of each group.
#ifndef ALNG_CUDA_FORWARD_LONG_ROWS_H
#define ALNG_CUDA_FORWARD_LONG_ROWS_H

#include "cuda/forward/row_step.h"
#include "cuda/row_fold.h"
#include "order/row_sum.h"

namespace alng::impl::cuda {

template <class T>
struct RowOfX {
  const RowElements<T> x1, x2;
  const bool round_sum;
  ALNG_DEVICE RowOfX(const ForwardRows& p, std::int64_t row)
      : x1(p.tensors[0], row), x2(p.tensors[1], row), round_sum(p.round_sum) {}
  ALNG_DEVICE float load(std::int64_t column) const {
    return formed_sum<T>(x1.load(column, 0.0f), x2.load(column, -0.0f), round_sum);
  }
};

/// What one reading of the row sums up: of c = x - m, and of its square. `turn` counts groups, of all rows.
template <class T>
ALNG_DEVICE void sum_row(const RowOfX<T>& x, std::int64_t columns, float m, unsigned& turn, float& sum,
                         float& sum_of_squares) {
  const int lane = static_cast<int>(thread_index()) & 31, warp = static_cast<int>(thread_index()) / 32;
  sum = sum_of_squares = 0.0f;
  for (std::int64_t group = 0; group < columns; group += group_segments * segment_terms) {
    float* const sums = reinterpret_cast<float*>(shared_memory()) + (turn++ & 1) * 64;  // [2 turns][2][32]
    const std::int64_t segment = group + warp * segment_terms;
    const auto term = [&](int k) {
      const std::int64_t column = segment + Layout<1>::column(lane, k);
      const float c = column < columns ? sub(x.load(column), m) : 0.0f;
      return float2{c, mul(c, c)};
    };
    const float of_segment = segment_sums_of(term, lane);
    if (tells_sum<Layout<1>>(lane)) write_shared(sums + (has_second<Layout<1>>(lane) ? 32 : 0) + warp, of_segment);
    block_barrier(0, threads_of_block());
    // Where no row has 32 segments there are fewer warps; the rest is padding.
    const bool here = lane < static_cast<int>(threads_of_block()) / 32;
    float first = here ? read_shared(sums + lane) : 0.0f, second = here ? read_shared(sums + 32 + lane) : 0.0f;
#pragma unroll
    for (unsigned distance = 16; distance > 0; distance /= 2) {
      first = across(first, distance);
      second = across(second, distance);
    }
    sum = add(sum, first);
    sum_of_squares = add(sum_of_squares, second);
  }
}

template <class T>
__global__ void __launch_bounds__(1024) forward_long_rows(const __grid_constant__ ForwardRows p) {
  unsigned turn = 0;
  for (std::int64_t row = block_x(); row < p.rows; row += grid_x()) {
    const RowOfX<T> xs(p, row);
    float m, sum, sum_of_squares;
    sum_row(xs, p.columns, 0.0f, turn, m, sum_of_squares);
    m = mul(m, p.inverse_columns);
    sum_row(xs, p.columns, m, turn, sum, sum_of_squares);
    const RowStatistics of_row = statistics_of(m, sum, sum_of_squares, p);
    if (thread_index() == 0) store_statistics(p, row, of_row);
    for (std::int64_t column = thread_index(); column < p.columns; column += threads_of_block()) {
      const float x = xs.load(column);
      if (p.x.data != nullptr) store_element<T>(row_of(p.x, row) + column_offset(p.x, column), x);
      if (p.y.data == nullptr) continue;
      const float gamma = p.gamma.data != nullptr ? load_column<T>(p.gamma, column_offset(p.gamma, column)) : 1.0f;
      const float beta = p.beta.data != nullptr ? load_column<T>(p.beta, column_offset(p.beta, column)) : -0.0f;
      store_element<T>(row_of(p.y, row) + column_offset(p.y, column), y_of(sub(x, m), of_row, gamma, beta));
    }
  }
}

/// The mean of nothing is NaN.
static __global__ void __launch_bounds__(256) empty_statistics(const __grid_constant__ EmptyStatistics p) {
  const std::int64_t threads = static_cast<std::int64_t>(grid_x()) * threads_of_block();
  for (std::int64_t row = static_cast<std::int64_t>(block_x()) * threads_of_block() + thread_index(); row < p.rows;
       row += threads) {
    const float nan = float_of(0x7FC00000u);
    if (p.mean.data != nullptr) store_element<Float32>(row_of(p.mean, row), nan);
    if (p.rstd.data != nullptr) store_element<Float32>(row_of(p.rstd, row), nan);
  }
}

}  // namespace alng::impl::cuda

#endif
