// The operators in double precision: what results are judged by.
#ifndef ALNG_ORACLE_HPP
#define ALNG_ORACLE_HPP

#include "alng/c_structs.hpp"
#include "alng/forward.hpp"
#include "alng/grad.hpp"
#include "alng/problem.hpp"
#include "alng/status.hpp"

namespace alng {

/// The outputs of the gradient's oracle: dense, row-major, owned by the caller. Null where not wanted.
struct GradOracleOutputs {
  /// rows * columns values.
  double* dx = nullptr;
  /// columns values each; the sums alone, whatever `accumulate` says.
  double* dgamma = nullptr;
  double* dbeta = nullptr;
};

/// Computes the formula of grad.hpp in double precision with compensated sums, from the inputs in `arguments` (its
/// outputs, workspace and executor are not looked at).
///
/// One rounding is part of the problem and so is done here too: x = x1 + x2 is rounded to float32, as the forward pass
/// that made mean and rstd formed it. Without it, no implementation in float32 could be near at mean/std = 1000.
///
/// Refusals: `null_pointer` for an input that is missing.
inline Status oracle(const GradProblem& problem, const GradArguments& arguments,
                     const GradOracleOutputs& outputs) noexcept {
  const auto asked = c_structs::problem<c_structs::Grad>(problem.description());
  return c_structs::with_arguments<c_structs::Grad>(arguments, [&](const auto& where, alng_status* said) {
    return alng_grad_oracle(&asked, &where, outputs.dx, outputs.dgamma, outputs.dbeta, said);
  });
}

/// The same of the forward's oracle.
struct ForwardOracleOutputs {
  /// rows * columns values.
  double* y = nullptr;
  /// rows values each.
  double* mean = nullptr;
  double* rstd = nullptr;
  /// rows * columns values: x1 + x2 as it is normalised, rounded to float32, with `round_sum` to T.
  double* x = nullptr;
};

/// The formula of forward.hpp in the same way.
inline Status oracle(const ForwardProblem& problem, const ForwardArguments& arguments,
                     const ForwardOracleOutputs& outputs) noexcept {
  const auto asked = c_structs::problem<c_structs::Forward>(problem.description());
  return c_structs::with_arguments<c_structs::Forward>(arguments, [&](const auto& where, alng_status* said) {
    return alng_forward_oracle(&asked, &where, outputs.y, outputs.mean, outputs.rstd, outputs.x, said);
  });
}

}  // namespace alng

#endif
