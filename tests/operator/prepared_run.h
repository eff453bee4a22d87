// An instance ready to run: plan, a copy of every tensor, workspace. For tests that look at the call itself, before
// which everything must be in place.
#ifndef ALNG_TESTS_OPERATOR_PREPARED_RUN_H
#define ALNG_TESTS_OPERATOR_PREPARED_RUN_H

#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/run_case.h"

namespace alng::test {

/// `instance` must live as long.
struct PreparedRun {
  PreparedRun(const cases::Instance& instance, const PlanOptions& options);

  /// The elements of the outputs as they are now.
  Outcome outcome() const;

  GradPlan plan;
  const cases::Instance& instance;
  /// By tensor.
  std::vector<std::vector<std::byte>> memory;
  std::vector<std::byte> workspace;
  GradArguments arguments;
};

}  // namespace alng::test

#endif
