// The operator in double precision: what results are judged by.
#ifndef ALNG_REFERENCE_ORACLE_H
#define ALNG_REFERENCE_ORACLE_H

#include "problem/arguments.h"
#include "problem/problem.h"

namespace alng::impl {

/// Dense, row-major; null where not wanted. See alng::OracleOutputs.
struct OracleOutputs {
  double* dx = nullptr;
  double* dgamma = nullptr;
  double* dbeta = nullptr;
};

/// See alng::oracle.
Status oracle(const Problem& problem, const Arguments& arguments, const OracleOutputs& outputs) noexcept;

}  // namespace alng::impl

#endif
