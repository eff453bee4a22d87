// One run of one case, in memory that is watched.
#ifndef ALNG_TESTS_OPERATOR_RUN_CASE_H
#define ALNG_TESTS_OPERATOR_RUN_CASE_H

#include <array>
#include <string>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/memory.h"

namespace alng::test {

/// Tasks one after another on the calling thread, the last one first.
const Executor& backward_executor();
/// Every task on a thread of its own, all at once.
const Executor& thread_per_task_executor();

struct HowToRun {
  PlanOptions plan;
  /// Null: the library's own threads.
  const Executor* executor = nullptr;
  Placement placement = Placement::end;
  /// Elements by which the outputs are off a cache line, bytes by which the workspace is further off a page than one.
  std::size_t shift = 0;
};

struct Outcome {
  Status status;
  /// The elements of dx, dgamma, dbeta in row-major order; empty where not wanted.
  std::array<std::vector<std::byte>, 3> outputs;
  /// What was written that should not have been, in words; empty: nothing.
  std::string damage;
  std::size_t workspace_size = 0;
  std::string isa;
  int threads = 0;
};

/// Makes the plan, places every tensor in watched memory, fills outputs and workspace with 0xFF, runs with a workspace
/// of exactly the size the plan asks for, and looks at what became of everything.
Outcome run_case(const cases::Instance& instance, const HowToRun& how = {});

/// The case on the device "reference"; a test failure where that does not work.
Outcome run_reference(const cases::Instance& instance);

/// Empty where the two outcomes hold the same bits; else which output differs where, and the two values.
std::string difference(const cases::Instance& instance, const Outcome& expected, const Outcome& got);

/// The same for outputs as such.
std::string difference(const char* name, DType dtype, const std::vector<std::byte>& expected,
                       const std::vector<std::byte>& got);

}  // namespace alng::test

#endif
