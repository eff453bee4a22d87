// AddLayerNorm: its tensors, and where their data is.
//
// With M rows and D columns (the normalised trailing dimensions, flattened), for every row:
//
//   x = x1 + x2        mean = (1/D) sum_j x        rstd = 1 / sqrt((1/D) sum_j (x - mean)^2 + eps)
//   y = gamma * (x - mean) * rstd + beta
//
// y, mean and rstd come from the sum in float32; docs/numerics.md has the order of every operation, and
// docs/formula.md how the gradient (grad.hpp) takes them.
#ifndef ALNG_FORWARD_HPP
#define ALNG_FORWARD_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include "alng/language.h"
#include "alng/operands.hpp"
#include "alng/options.hpp"
#include "alng/tensor.hpp"

namespace alng {

/// The tensors of a problem before anybody has looked at them. Fill it in, then call `ForwardProblem::create`.
///
/// T is the dtype of x1: float32, float16 or bfloat16. "Leading" dimensions are x1's dimensions that are not
/// normalised; "trailing" ones are the normalised ones. All of them may differ in strides.
struct ForwardDescription {
  using Table = forward::Table;

  /// First input of the sum. Rank 1 to 8, dtype T.
  TensorLayout x1;
  /// Second input of the sum. dtype T, shape of x1. Absent: x = x1, the plain LayerNorm.
  std::optional<TensorLayout> x2;
  /// Scale. dtype T or float32; its shape is x1's trailing dimensions, and so tells their number. Absent: 1.
  std::optional<TensorLayout> gamma;
  /// Shift. dtype T or float32, whatever gamma's; x1's trailing dimensions. Absent: 0.
  std::optional<TensorLayout> beta;
  /// The normalised sum. dtype T, shape of x1. Absent: not computed, as all outputs.
  std::optional<TensorLayout> y;
  /// E[x] of each row. float32; x1's leading dimensions, followed by as many 1s as there are normalised dimensions, by
  /// a single 1, or by nothing. What the gradient takes as `mean`.
  std::optional<TensorLayout> mean;
  /// 1/sqrt(Var[x] + eps) of each row. float32; any of the shapes that mean may have.
  std::optional<TensorLayout> rstd;
  /// x1 + x2 rounded to T: the residual stream. dtype T, shape of x1.
  std::optional<TensorLayout> x;
  /// How many trailing dimensions are normalised, 1 to x1's rank. 0: told by the rank of gamma, else of beta, and where
  /// neither is there by mean, else by rstd, as `GradDescription::normalized_dims` says.
  int normalized_dims = 0;
  /// True: x is rounded to T before anything is computed from it, as frameworks do that store the sum in T. The stored
  /// x, as x1 of a gradient without x2, is then exactly what was normalised. False: y, mean and rstd are of the float32
  /// sum, as x1 and x2 of a gradient are.
  bool round_sum = false;
  /// Added to the variance. Finite, at least 0 (`bad_option`). With 0 a constant row has rstd = infinity, and y is what
  /// IEEE arithmetic makes of it: NaN where x - mean is 0.
  float eps = 1e-5F;

  /// A dense M x D problem with every tensor present: x1, x2, y, x [M, D], gamma and beta [D] of `dtype`; mean, rstd
  /// [M, 1] float32; one normalised dimension.
  static ForwardDescription dense(DType dtype, std::int64_t rows, std::int64_t columns) noexcept {
    ForwardDescription problem;
    problem.x1 = TensorLayout::contiguous(dtype, {rows, columns});
    problem.x2 = problem.y = problem.x = problem.x1;
    problem.gamma = problem.beta = TensorLayout::contiguous(dtype, {columns});
    problem.mean = problem.rstd = TensorLayout::contiguous(DType::float32, {rows, 1});
    problem.normalized_dims = 1;
    return problem;
  }
};

/// Where the data is; everything said of GradArguments holds: ownership, alignment, presence, overlap.
///
/// y may start at exactly the address of x1 or x2 where the strides of the two are the same, and so may x; not both at
/// one.
struct ForwardArguments {
  using Table = forward::Table;

  const void* x1 = nullptr;
  const void* x2 = nullptr;
  const void* gamma = nullptr;
  const void* beta = nullptr;
  void* y = nullptr;
  float* mean = nullptr;
  float* rstd = nullptr;
  void* x = nullptr;
  /// Scratch memory of at least `ForwardPlan::workspace_size()` bytes; see GradArguments.
  void* workspace = nullptr;
  std::size_t workspace_size = 0;
  const Executor* executor = nullptr;
  void* stream = nullptr;
};

}  // namespace alng

#endif
