// What is asked: the tensors of one operator, judged once and immutable from then on.
#ifndef ALNG_PROBLEM_HPP
#define ALNG_PROBLEM_HPP

#include <cstdint>
#include <string>

#include "alng/by_place.hpp"
#include "alng/c_structs.hpp"
#include "alng/language.h"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

namespace alng {

/// A valid problem. Cheap to copy, safe to share between threads.
template <class Operator>
class ProblemOf {
 public:
  using Description = typename Operator::Description;

  /// Judges a description. Refusals: `bad_dtype`, `bad_shape`, `bad_stride`, `bad_option`, each with a sentence that
  /// names the tensor, its layout and what was expected.
  ///
  /// Not refused: no rows (dgamma and dbeta become zeros) and no columns (mean and rstd of a forward become NaN).
  static Result<ProblemOf> create(const Description& description) noexcept {
    ProblemOf problem;
    problem.summary_.size = sizeof(alng_summary);
    problem.description_ = description;
    const auto asked = c_structs::problem<Operator>(description);
    Status status =
        c_structs::call([&](alng_status* said) { return Operator::judge(&asked, &problem.summary_, said); });
    if (!status.ok()) return status;
    problem.description_.normalized_dims = problem.summary_.normalized_dims;
    return problem;
  }

  /// The tensors as given, with `normalized_dims` filled in.
  const Description& description() const noexcept { return description_; }
  /// M: the product of the leading dimensions.
  std::int64_t rows() const noexcept { return summary_.rows; }
  /// D: the product of the trailing, normalised dimensions.
  std::int64_t columns() const noexcept { return summary_.columns; }
  /// T: the dtype of all tensors with a value for each element.
  DType dtype() const noexcept { return layout_at(description_, 0)->dtype; }
  /// Bytes that must cross the memory bus at least once: every input that the wanted outputs depend on read, every
  /// wanted output written (read as well with `accumulate`). A broadcast dimension (stride 0) counts once.
  std::int64_t bytes() const noexcept { return summary_.bytes; }
  /// `"4096x1600 bfloat16, x2, gamma bfloat16, dsum; wants dx, dgamma, dbeta"`, with `no x2`, `no gamma`, `no dsum` for
  /// what is absent, `dgamma +=` for accumulation, `nothing` where no output is wanted. A forward also says its eps and
  /// whether its sum is rounded.
  std::string to_string() const { return summary_.text; }

 private:
  ProblemOf() = default;
  Description description_;
  alng_summary summary_{};
};

using ForwardProblem = ProblemOf<c_structs::Forward>;
using GradProblem = ProblemOf<c_structs::Grad>;

}  // namespace alng

#endif
