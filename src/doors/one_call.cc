// Problem, plan, workspace and run in one call.
#include <memory>
#include <new>

#include "alng/plan.hpp"
#include "problem/out_of_memory.h"

namespace alng {

Status add_layer_norm_grad(const ProblemDescription& description, const Arguments& arguments,
                           const PlanOptions& options) noexcept try {
  const Result<Problem> problem = Problem::create(description);
  if (!problem.ok()) return problem.status();
  const Result<Plan> plan = Plan::create(problem.value(), options);
  if (!plan.ok()) return plan.status();
  Arguments with_workspace = arguments;
  with_workspace.workspace_size = plan.value().workspace_size();
  const std::unique_ptr<std::byte[]> workspace(new (std::nothrow) std::byte[with_workspace.workspace_size]);
  if (!workspace) return out_of_memory();
  with_workspace.workspace = workspace.get();
  return plan.value().run(with_workspace);
} catch (...) {  // copying a sentence takes memory too
  return out_of_memory();
}

}  // namespace alng
