// What is asked: the tensors of one operator, judged once and immutable from then on.
#ifndef ALNG_PROBLEM_HPP
#define ALNG_PROBLEM_HPP

#include <cstdint>
#include <string>

#include "alng/c_structs.hpp"
#include "alng/grad.hpp"
#include "alng/language.h"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

namespace alng {

/// A valid problem. Cheap to copy, safe to share between threads.
class Problem {
 public:
  /// Judges a description. Refusals: `bad_dtype`, `bad_shape`, `bad_stride`, `bad_option`, each with a sentence that
  /// names the tensor, its layout and what was expected.
  ///
  /// Not refused: no rows (dgamma and dbeta become zeros) and no columns (nothing to do).
  static Result<Problem> create(const GradDescription& description) noexcept {
    Problem problem;
    problem.summary_.size = sizeof(alng_summary);
    problem.description_ = description;
    const alng_grad_problem asked = c_structs::problem(description);
    Status status =
        c_structs::call([&](alng_status* said) { return alng_grad_judge(&asked, &problem.summary_, said); });
    if (!status.ok()) return status;
    problem.description_.normalized_dims = problem.summary_.normalized_dims;
    return problem;
  }

  /// The tensors as given, with `normalized_dims` filled in.
  const GradDescription& description() const noexcept { return description_; }
  /// M: the product of dy's leading dimensions.
  std::int64_t rows() const noexcept { return summary_.rows; }
  /// D: the product of dy's trailing, normalised dimensions.
  std::int64_t columns() const noexcept { return summary_.columns; }
  /// T: the dtype of dy, x1, x2, dsum and dx.
  DType dtype() const noexcept { return description_.dy.dtype; }
  /// Bytes that must cross the memory bus at least once: every input that the wanted outputs depend on read, every
  /// wanted output written (read as well with `accumulate`). A broadcast dimension (stride 0) counts once.
  std::int64_t bytes() const noexcept { return summary_.bytes; }
  /// `"4096x1600 bfloat16, x2, gamma bfloat16, dsum; wants dx, dgamma, dbeta"`, with `no x2`, `no gamma`, `no dsum` for
  /// what is absent, `dgamma +=` for accumulation, `nothing` where no output is wanted.
  std::string to_string() const { return summary_.text; }

 private:
  Problem() = default;
  GradDescription description_;
  alng_summary summary_{};
};

}  // namespace alng

#endif
