// What is asked: the tensors of one AddLayerNormGrad, judged once and immutable from then on.
//
// With M rows and D columns (the normalised trailing dimensions, flattened), for every row:
//
//   x = x1 + x2        c = x - mean       h = c * rstd        w = dy * gamma   (w = dy without gamma)
//   m1 = (1/D) sum_j w        m2 = (1/D) sum_j w*h
//   dx = rstd * (w - m1 - h*m2) + dsum        dgamma = sum_rows dy*h        dbeta = sum_rows dy
//
// This is the derivative of y = gamma * (x - mean) * rstd + beta with mean = E[x] and rstd = 1/sqrt(Var[x] + eps) put
// in by the chain rule; both statistics are inputs, so eps never enters.
#ifndef ALNG_PROBLEM_HPP
#define ALNG_PROBLEM_HPP

#include <cstdint>
#include <optional>
#include <string>

#include "alng/export.h"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

namespace alng {

/// The tensors of a problem before anybody has looked at them. Fill it in, then call `Problem::create`.
///
/// T is the dtype of dy: float32, float16 or bfloat16. "Leading" dimensions are dy's dimensions that are not
/// normalised; "trailing" ones are the normalised ones. All of them may differ in strides.
struct ProblemDescription {
  /// Gradient of the LayerNorm's output. Rank 1 to 8, dtype T.
  TensorLayout dy;
  /// First input of the forward's sum. dtype T, shape of dy.
  TensorLayout x1;
  /// Second input of the forward's sum. dtype T, shape of dy. Absent: x = x1, the plain LayerNorm backward.
  std::optional<TensorLayout> x2;
  /// 1/sqrt(Var[x] + eps) of each row. float32; dy's leading dimensions, followed by as many 1s as there are normalised
  /// dimensions, by a single 1, or by nothing.
  TensorLayout rstd;
  /// E[x] of each row. float32; any of the shapes that rstd may have.
  TensorLayout mean;
  /// Scale of the LayerNorm. dtype T or float32; its shape is dy's trailing dimensions, and so tells their number.
  /// Absent: scale 1, and the number of normalised dimensions comes from `normalized_dims` or from rstd.
  std::optional<TensorLayout> gamma;
  /// A gradient that reaches x by another way and is added to dx. dtype T, shape of dy.
  std::optional<TensorLayout> dsum;
  /// Gradient of x1 + x2. dtype T, shape of dy. Absent: not computed.
  std::optional<TensorLayout> dx;
  /// Gradient of gamma. float32; dy's trailing dimensions. Absent: not computed. Allowed without gamma.
  std::optional<TensorLayout> dgamma;
  /// Gradient of beta. float32; dy's trailing dimensions. Absent: not computed.
  std::optional<TensorLayout> dbeta;
  /// How many trailing dimensions are normalised, 1 to dy's rank. 0: told by the rank of gamma, else of dgamma, else of
  /// dbeta, and where none of them is there by rstd: all of its trailing 1s where it has dy's rank; else the dimensions
  /// it lacks, a last 1 of rstd counted as lacking where dy has another extent there (dy [10, 2, 128], rstd [10, 1]:
  /// 2). All tensors must agree with the number found.
  ///
  /// Where dy itself has extents of 1, rstd alone leaves a choice: dy [64, 1, 768] with rstd [64, 1, 1] or [64, 1] may
  /// be 1 or 2. With dy's rank the larger number is taken, else the smaller; rows, columns and dx are the same for
  /// either.
  int normalized_dims = 0;
  /// True: dgamma and dbeta are added to what the outputs hold (one float32 addition each); false: overwritten.
  bool accumulate = false;

  /// A dense M x D problem with every tensor present: dy, x1, x2, dsum, dx [M, D] and gamma [D] of `dtype`; rstd, mean
  /// [M, 1], dgamma and dbeta [D] float32; one normalised dimension.
  ALNG_EXPORT static ProblemDescription dense(DType dtype, std::int64_t rows, std::int64_t columns);
};

/// A valid problem. Cheap to copy, safe to share between threads.
class ALNG_EXPORT Problem {
 public:
  /// Judges a description. Refusals: `bad_dtype`, `bad_shape`, `bad_stride`, `bad_option`, each with a sentence that
  /// names the tensor, its layout and what was expected.
  ///
  /// Not refused: no rows (dgamma and dbeta become zeros) and no columns (nothing to do).
  static Result<Problem> create(const ProblemDescription& description) noexcept;

  /// The tensors as given, with `normalized_dims` filled in.
  const ProblemDescription& description() const noexcept { return description_; }
  /// M: the product of dy's leading dimensions.
  std::int64_t rows() const noexcept { return rows_; }
  /// D: the product of dy's trailing, normalised dimensions.
  std::int64_t columns() const noexcept { return columns_; }
  /// T: the dtype of dy, x1, x2, dsum and dx.
  DType dtype() const noexcept { return description_.dy.dtype; }
  /// Bytes that must cross the memory bus at least once: every input that the wanted outputs depend on read, every
  /// wanted output written (read as well with `accumulate`). A broadcast dimension (stride 0) counts once.
  std::int64_t bytes() const noexcept;
  /// `"4096x1600 bfloat16, gamma bfloat16, dsum; wants dx, dgamma, dbeta"`, with `no x2`, `no gamma`, `no dsum` for
  /// what is absent, `dgamma +=` for accumulation, `nothing` where no output is wanted.
  std::string to_string() const;

 private:
  Problem() = default;
  ProblemDescription description_;
  std::int64_t rows_ = 0;
  std::int64_t columns_ = 0;
};

}  // namespace alng

#endif
