// The canonical order in plain scalar code: the specification that every back end's results are compared with, bit for
// bit. docs/numerics.md says the same in words.
//
// All arithmetic is float32, round to nearest even, denormals kept; an fma stands only where it is written.
#ifndef ALNG_REFERENCE_CANONICAL_H
#define ALNG_REFERENCE_CANONICAL_H

#include <cstdint>

namespace alng::impl::canonical {

/// The sum of a row's D terms, in the order of src/order/row_sum.h. Starting from +0 the sum is never -0, so padding
/// can be left out without changing a bit.
float row_sum(const float* terms, std::int64_t columns) noexcept;

/// One row of the forward: the operands, dense and in float32, x formed and where asked for rounded. gamma and beta may
/// be null.
struct ForwardRow {
  std::int64_t columns;
  const float* x;
  const float* gamma;
  const float* beta;
  float eps;
};

struct Statistics {
  float mean;
  float rstd;
};

/// y in float32, before its one rounding to the dtype of y, and the statistics. `c` and `squares` are scratch of D
/// values each.
Statistics forward_row(const ForwardRow& row, float* c, float* squares, float* y) noexcept;

/// What the gradient's row pass knows of one row before the row sums: the operands, dense and in float32. x2, gamma and
/// dsum may be null.
struct Row {
  std::int64_t columns;
  const float* dy;
  const float* x1;
  const float* x2;
  const float* gamma;
  const float* dsum;
  float rstd;
  float mean;
};

/// dx of one row in float32, before its one rounding to the dtype of dx. `w` and `q` are scratch of D values each.
void row_pass(const Row& row, float* w, float* q, float* dx) noexcept;

/// One row added to the running sums of its block, D values each.
void add_row(const Row& row, float* dgamma, float* dbeta) noexcept;

/// sum[j] = sum[j] + other[j]
void add(float* sum, const float* other, std::int64_t columns) noexcept;

}  // namespace alng::impl::canonical

#endif
