// The operators in double precision: what results are judged by.
#ifndef ALNG_REFERENCE_ORACLE_H
#define ALNG_REFERENCE_ORACLE_H

#include "problem/arguments.h"
#include "problem/problem.h"

namespace alng::impl {

// Outputs are dense, row-major; null where not wanted. See alng/oracle.hpp for both operators.

struct ForwardOracleOutputs {
  double* y = nullptr;
  double* mean = nullptr;
  double* rstd = nullptr;
  double* x = nullptr;
};
struct GradOracleOutputs {
  double* dx = nullptr;
  double* dgamma = nullptr;
  double* dbeta = nullptr;
};

Status oracle(const Problem& problem, const Arguments& arguments, const ForwardOracleOutputs& outputs) noexcept;
Status oracle(const Problem& problem, const Arguments& arguments, const GradOracleOutputs& outputs) noexcept;

}  // namespace alng::impl

#endif
