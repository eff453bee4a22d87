// The device "cpu".
#include "plan/backend.h"

#include "cpu/forward/execution.h"
#include "cpu/grad/execution.h"
#include "cpu/instruction_set.h"
#include "cpu/threads.h"

namespace alng::impl {
namespace cpu {
namespace {

class CpuBackend final : public Backend {
 public:
  const char* device() const noexcept override { return "cpu"; }
  std::vector<Availability> availability() const override {
    std::string sets;
    for (const InstructionSet isa : known_instruction_sets()) {
      if (!why_not(isa).empty()) continue;
      if (!sets.empty()) sets += ", ";
      sets += name(isa);
    }
    return {{"cpu", true, "instruction sets " + sets + "; " + std::to_string(default_threads()) + " threads"}};
  }
  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
    const Result<InstructionSet> isa = choose_instruction_set(options.isa);
    if (!isa.ok()) return isa.status();
    const int threads = options.threads > 0 ? options.threads : default_threads();
    return problem.what().kind == Kind::forward ? plan_forward(problem, isa.value(), threads)
                                                : plan_grad(problem, isa.value(), threads);
  }
};

}  // namespace
}  // namespace cpu

const Backend& cpu_backend() noexcept {
  static constinit const cpu::CpuBackend backend;
  return backend;
}

}  // namespace alng::impl
