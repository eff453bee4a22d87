// The operator in double precision: what results are judged by.
#ifndef ALNG_ORACLE_HPP
#define ALNG_ORACLE_HPP

#include "alng/c_structs.hpp"
#include "alng/grad.hpp"
#include "alng/problem.hpp"
#include "alng/status.hpp"

namespace alng {

/// The outputs of the oracle: dense, row-major, owned by the caller. Null where not wanted.
struct OracleOutputs {
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
inline Status oracle(const Problem& problem, const GradArguments& arguments, const OracleOutputs& outputs) noexcept {
  const alng_grad_problem asked = c_structs::problem(problem.description());
  return c_structs::with_arguments(arguments, [&](const alng_grad_arguments& where, alng_status* said) {
    return alng_grad_oracle(&asked, &where, outputs.dx, outputs.dgamma, outputs.dbeta, said);
  });
}

}  // namespace alng

#endif
