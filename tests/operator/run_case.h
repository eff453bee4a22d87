// One run of one case, in memory that is watched.
#ifndef ALNG_TESTS_OPERATOR_RUN_CASE_H
#define ALNG_TESTS_OPERATOR_RUN_CASE_H

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "alng/alng.hpp"
#include "cases/forward_instance.h"
#include "cases/instance.h"
#include "operator/memory.h"

namespace alng::test {

/// The places of the outputs in the operator's table, which are its last ones.
int first_output(const cases::StoredTensors& tensors);

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
  /// The elements of the outputs in row-major order, in the order of the operator's table; empty where not wanted.
  std::array<std::vector<std::byte>, 4> outputs;
  /// What was written that should not have been, in words; empty: nothing.
  std::string damage;
  std::size_t workspace_size = 0;
  std::string isa;
  int threads = 0;
};

/// Makes the plan, places every tensor in watched memory, fills outputs and workspace with 0xFF, runs with a workspace
/// of exactly the size the plan asks for, and looks at what became of everything.
Outcome run_case(const cases::Instance& instance, const HowToRun& how = {});
Outcome run_case(const cases::ForwardInstance& instance, const HowToRun& how = {});

/// The case on the device "reference"; a test failure where that does not work.
template <class Instance>
Outcome run_reference(const Instance& instance) {
  HowToRun how;
  how.plan.device = "reference";
  Outcome out = run_case(instance, how);
  EXPECT_TRUE(out.status.ok()) << out.status.message();
  EXPECT_EQ(out.damage, "");
  return out;
}

/// Empty where the two outcomes hold the same bits; else which output differs where, and the two values.
std::string difference(const cases::StoredTensors& tensors, const Outcome& expected, const Outcome& got);

/// The same for outputs as such.
std::string difference(const char* name, DType dtype, const std::vector<std::byte>& expected,
                       const std::vector<std::byte>& got);

}  // namespace alng::test

#endif
