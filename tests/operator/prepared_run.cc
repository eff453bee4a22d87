#include "operator/prepared_run.h"

namespace alng::test {

PreparedRun::PreparedRun(const cases::Instance& what, const PlanOptions& options)
    : plan(GradPlan::create(GradProblem::create(what.description()).value(), options).value()), instance(what) {
  for (int t = 0; t < grad::count; ++t) {
    memory.push_back(instance.storage(t));
    if (instance.layout(t)) give_pointer(arguments, t, memory.back().data());
  }
  workspace.resize(plan.workspace_size(), std::byte{0xFF});
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
}

Outcome PreparedRun::outcome() const {
  Outcome out;
  for (int t = grad::dx; t < grad::count; ++t) {
    if (!instance.layout(t)) continue;
    out.outputs[static_cast<std::size_t>(t - grad::dx)] =
        instance.elements(t, memory[static_cast<std::size_t>(t)].data());
  }
  return out;
}

}  // namespace alng::test
