#include "operator/prepared_run.h"

namespace alng::test {

PreparedRun::PreparedRun(const cases::Instance& what, const PlanOptions& options)
    : plan(Plan::create(Problem::create(what.description()).value(), options).value()), instance(what) {
  for (int t = 0; t < cases::kTensors; ++t) {
    memory.push_back(instance.storage(t));
    if (instance.layout(t)) cases::set_pointer(arguments, t, memory.back().data());
  }
  workspace.resize(plan.workspace_size(), std::byte{0xFF});
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
}

Outcome PreparedRun::outcome() const {
  Outcome out;
  for (int t = cases::kFirstOutput; t < cases::kTensors; ++t) {
    if (!instance.layout(t)) continue;
    out.outputs[static_cast<std::size_t>(t - cases::kFirstOutput)] =
        instance.elements(t, memory[static_cast<std::size_t>(t)].data());
  }
  return out;
}

}  // namespace alng::test
