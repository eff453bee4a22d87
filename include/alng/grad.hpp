// AddLayerNormGrad: its tensors, and where their data is.
//
// With M rows and D columns (the normalised trailing dimensions, flattened), for every row:
//
//   x = x1 + x2        c = x - mean       h = c * rstd        w = dy * gamma   (w = dy without gamma)
//   m1 = (1/D) sum_j w        m2 = (1/D) sum_j w*h
//   dx = rstd * (w - m1 - h*m2) + dsum        dgamma = sum_rows dy*h        dbeta = sum_rows dy
//
// This is the derivative of y = gamma * (x - mean) * rstd + beta with mean = E[x] and rstd = 1/sqrt(Var[x] + eps) put
// in by the chain rule; both statistics are inputs, so eps never enters.
#ifndef ALNG_GRAD_HPP
#define ALNG_GRAD_HPP

#include <cstddef>
#include <cstdint>
#include <optional>

#include "alng/language.h"
#include "alng/operands.hpp"
#include "alng/options.hpp"
#include "alng/tensor.hpp"

namespace alng {

/// The tensors of a problem before anybody has looked at them. Fill it in, then call `GradProblem::create`.
///
/// T is the dtype of dy: float32, float16 or bfloat16. "Leading" dimensions are dy's dimensions that are not
/// normalised; "trailing" ones are the normalised ones. All of them may differ in strides.
struct GradDescription {
  using Table = grad::Table;

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
  static GradDescription dense(DType dtype, std::int64_t rows, std::int64_t columns) noexcept {
    GradDescription problem;
    problem.dy = TensorLayout::contiguous(dtype, {rows, columns});
    problem.x1 = problem.dy;
    problem.x2 = problem.dsum = problem.dx = problem.dy;
    problem.rstd = problem.mean = TensorLayout::contiguous(DType::float32, {rows, 1});
    problem.gamma = TensorLayout::contiguous(dtype, {columns});
    problem.dgamma = problem.dbeta = TensorLayout::contiguous(DType::float32, {columns});
    problem.normalized_dims = 1;
    return problem;
  }
};

/// Where the data is. Pointers are to the first element of each tensor (the element whose indices are all 0); the
/// caller owns all of it and keeps it alive during `run`. Any alignment is accepted that the element type itself needs
/// (4 bytes for float32, 2 for the 16-bit types; the workspace any); a pointer between two elements is refused
/// (`bad_stride`: the offset is not a whole number of elements).
///
/// A pointer is given exactly for the tensors that the problem has. A tensor without elements may be null.
///
/// Overlap: dx may start at exactly the address of dy, x1, x2 or dsum where the strides of the two are the same. Any
/// other overlap between an output and another tensor, or of the workspace with anything, is refused (`overlap`).
/// Inputs may overlap inputs. Interleaved tensors that share no byte, such as column slices of one wide buffer or its
/// even and odd rows, do not overlap; a layout too tangled to tell (no common period keeps the two apart) is refused.
struct GradArguments {
  using Table = grad::Table;

  const void* dy = nullptr;
  const void* x1 = nullptr;
  const void* x2 = nullptr;
  const float* rstd = nullptr;
  const float* mean = nullptr;
  const void* gamma = nullptr;
  const void* dsum = nullptr;
  void* dx = nullptr;
  float* dgamma = nullptr;
  float* dbeta = nullptr;
  /// Scratch memory of at least `GradPlan::workspace_size()` bytes, its contents meaningless before and after. One run
  /// at a time may use it.
  void* workspace = nullptr;
  std::size_t workspace_size = 0;
  /// The caller's threads, or null for the library's own. Those are made where a plan is made, fewer or none of them
  /// where the system gives no more, and stay until the process ends; they see none of its signals but faults. What no
  /// other thread does the calling one does, also in a forked child, where a plan made anew gets threads anew.
  const Executor* executor = nullptr;
  /// The stream of a device that has them (a cudaStream_t), null for its default one (CUDA's legacy one). Refused
  /// (`bad_option`) where it is another device's, and by devices without streams.
  void* stream = nullptr;
};

}  // namespace alng

#endif
