// An instance ready to run: plan, a copy of every tensor, workspace. For tests that look at the call itself, before
// which everything must be in place.
#ifndef ALNG_TESTS_OPERATOR_PREPARED_RUN_H
#define ALNG_TESTS_OPERATOR_PREPARED_RUN_H

#include <cstddef>
#include <vector>

#include "alng/alng.hpp"
#include "alng/by_place.hpp"
#include "cases/forward_instance.h"
#include "cases/instance.h"
#include "operator/run_case.h"

namespace alng::test {

/// `instance` must live as long.
template <class Plan, class Instance>
struct PreparedRunOf {
  PreparedRunOf(const Instance& what, const PlanOptions& options)
      : plan(Plan::create(Plan::Problem::create(what.description()).value(), options).value()), instance(what) {
    for (int t = 0; t < what.count(); ++t) {
      memory.push_back(instance.storage(t));
      if (instance.layout(t)) give_pointer(arguments, static_cast<std::size_t>(t), memory.back().data());
    }
    workspace.resize(plan.workspace_size(), std::byte{0xFF});
    arguments.workspace = workspace.data();
    arguments.workspace_size = workspace.size();
  }

  /// The elements of the outputs as they are now.
  Outcome outcome() const {
    Outcome out;
    const int first = first_output(instance);
    for (int t = first; t < instance.count(); ++t) {
      if (!instance.layout(t)) continue;
      out.outputs[static_cast<std::size_t>(t - first)] =
          instance.elements(t, memory[static_cast<std::size_t>(t)].data());
    }
    return out;
  }

  Plan plan;
  const Instance& instance;
  /// By tensor.
  std::vector<std::vector<std::byte>> memory;
  std::vector<std::byte> workspace;
  typename Plan::Arguments arguments;
};

using PreparedRun = PreparedRunOf<GradPlan, cases::Instance>;
using PreparedForward = PreparedRunOf<ForwardPlan, cases::ForwardInstance>;

}  // namespace alng::test

#endif
