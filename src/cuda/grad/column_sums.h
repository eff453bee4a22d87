// A thread's columns of dgamma and dbeta on their way through blocks of rows, leaves and units of leaves
// (order/leaves.h).
#ifndef ALNG_CUDA_GRAD_COLUMN_SUMS_H
#define ALNG_CUDA_GRAD_COLUMN_SUMS_H

#include "cuda/device.h"
#include "cuda/grad/kernels.h"
#include "cuda/row_fold.h"
#include "order/leaves.h"

namespace alng::impl::cuda {

/// v = from + v
template <int N>
ALNG_DEVICE void add_sums(float* v, const float* from) {
  if constexpr (N == 1) {
    v[0] = add(read_global(from), v[0]);
  } else {
#pragma unroll
    for (int e = 0; e < N; e += 4) {
      const float4 f = read_global(reinterpret_cast<const float4*>(from + e));
      v[e] = add(f.x, v[e]);
      v[e + 1] = add(f.y, v[e + 1]);
      v[e + 2] = add(f.z, v[e + 2]);
      v[e + 3] = add(f.w, v[e + 3]);
    }
  }
}
template <int N>
ALNG_DEVICE void store_sums(float* to, const float* v) {
  if constexpr (N == 1) {
    write_global(to, v[0]);
  } else {
#pragma unroll
    for (int e = 0; e < N; e += 4) {
      write_global(reinterpret_cast<float4*>(to + e), float4{v[e], v[e + 1], v[e + 2], v[e + 3]});
    }
  }
}

/// One of N values that stay in registers, whichever it is.
template <int N>
ALNG_DEVICE float pick(const float* v, int which) {
  float picked = v[0];
#pragma unroll
  for (int i = 1; i < N; ++i) picked = which == i ? v[i] : picked;
  return picked;
}

/// Where a stream is among its units.
class LeafWalk {
 public:
  ALNG_DEVICE LeafWalk(const Units& units, int stream, int streams) : units_(units), stream_(stream) {
    const auto leaf_at = [&](int s) {
      const int leaf = static_cast<int>(static_cast<std::int64_t>(s) * units.units / streams) * units.unit_leaves;
      return leaf < units.leaves ? leaf : units.leaves;
    };
    leaf_ = leaf_at(stream);
    const int end = leaf_at(stream + 1);
    rows_ = static_cast<int>(begin_of(end) - begin_of(leaf_));
    leaf_end_ = leaf_ < end ? rows_of(leaf_) : 0;
  }

  ALNG_DEVICE std::int64_t first_row() const { return begin_of(leaf_); }  // before the first next_block()
  ALNG_DEVICE int rows() const { return rows_; }
  /// Row of the stream behind the block of rows at work.
  ALNG_DEVICE int block_end() const {
    const int full = block_begin_ + static_cast<int>(block_rows);
    return full < leaf_end_ ? full : leaf_end_;
  }
  /// Whether a block of rows ends with the stream's row i.
  ALNG_DEVICE bool block_ends(int i) const { return i + 1 == block_end(); }
  ALNG_DEVICE bool leaf_ends(int i) const { return i + 1 == leaf_end_; }

  /// The block that ended with row i, with both sums of a thread's N columns, in chunks of `vector`. Single ones in a
  /// loop: 32 times the same code would be half of a kernel.
  template <int N, int vector, class Column>
  ALNG_DEVICE void flush_all(int i, std::int64_t columns, Column column, float* dgamma, float* dbeta) const {
    if constexpr (vector == 1) {
#pragma unroll 1
      for (int c = 0; c < N; ++c) {
        const std::int64_t at = column(c);
        if (at >= columns) continue;
        float sums[2] = {pick<N>(dgamma, c), pick<N>(dbeta, c)};
        flush<1>(i, 0, at, sums);
        flush<1>(i, 1, at, sums + 1);
      }
    } else {
#pragma unroll
      for (int c = 0; c < N / vector; ++c) {
        if (column(c) >= columns) continue;
        flush<vector>(i, 0, column(c), dgamma + c * vector);
        flush<vector>(i, 1, column(c), dbeta + c * vector);
      }
    }
  }
  /// The block that ended with row i, dgamma or dbeta (`sum` 0 or 1) of N columns: added to its leaf, that to what it
  /// ends.
  template <int N>
  ALNG_DEVICE void flush(int i, int sum, std::int64_t column, float* v) const {
    const std::int64_t level = 2 * static_cast<std::int64_t>(units_.padded);
    const std::int64_t at = sum * static_cast<std::int64_t>(units_.padded) + column;
    float* to = units_.pending + stream_ * units_.levels * level + at;
    if (!first_block_) add_sums<N>(v, to);
    if (leaf_ends(i)) {
      // A binary counter: a subtree is added to the one on its left where that waits.
      const int in_unit = leaf_ % units_.unit_leaves;
      int n = in_unit;
#pragma unroll 1
      for (to += level; n & 1; n >>= 1, to += level) add_sums<N>(v, to);
      if (in_unit + 1 == units_.unit_leaves || leaf_ + 1 == units_.leaves) {
        // The last unit may end early; what has no neighbour passes up.
#pragma unroll 1
        for (n >>= 1, to += level; n != 0; n >>= 1, to += level) {
          if (n & 1) add_sums<N>(v, to);
        }
        to = units_.sums + leaf_ / units_.unit_leaves * level + at;
      }
    }
    store_sums<N>(to, v);
  }
  /// After the flush of row i.
  ALNG_DEVICE void next_block(int i) {
    block_begin_ = i + 1;
    first_block_ = leaf_ends(i);
    if (!first_block_) return;
    ++leaf_;
    leaf_end_ += rows_of(leaf_);
  }

 private:
  ALNG_DEVICE std::int64_t begin_of(int leaf) const {
    return leaf * units_.leaf_rows +
           static_cast<unsigned>(leaf) * static_cast<unsigned>(units_.rows_left) / static_cast<unsigned>(units_.leaves);
  }
  ALNG_DEVICE int rows_of(int leaf) const { return static_cast<int>(begin_of(leaf + 1) - begin_of(leaf)); }

  const Units& units_;
  const int stream_;
  int leaf_, rows_, leaf_end_;
  int block_begin_ = 0;
  bool first_block_ = true;
};

}  // namespace alng::impl::cuda

#endif
