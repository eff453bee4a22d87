// The device cuda:model: the kernels for GPUs on the host model. It is there where this file is linked in.
#include "plan/backend.h"

#include <cstdlib>
#include <string>

#include "cuda/launch.h"
#include "cuda/simt/machine.h"
#include "plan/float_environment.h"
#include "problem/out_of_memory.h"
#include "problem/overlap.h"

namespace alng::impl::cuda::simt {
namespace {

// The environment variable ALNG_CUDA_SCHEDULE, a number, tells the order of threads and blocks, and when asynchronous
// copies arrive.
Schedule schedule() {
  const char* const number = std::getenv("ALNG_CUDA_SCHEDULE");
  Schedule schedule;
  if (number != nullptr) schedule.seed = static_cast<std::uint32_t>(std::strtoul(number, nullptr, 10));
  constexpr Arrival arrivals[] = {Arrival::early, Arrival::late, Arrival::any};
  schedule.arrival = arrivals[schedule.seed % 3];
  return schedule;
}

// The presets, and GPUs that differ from them in what they have room for, by their architecture's name.
constexpr Preset models[] = {
    presets[0],
    presets[1],
    {"sm_100", {100, 148, 232448, 233472, {74, 36, 18}}},  // B200
    {"sm_120", {120, 170, 101376, 102400, {85, 42, 21}}},  // RTX 5090
};

class ModelExecution final : public Execution {
 public:
  ModelExecution(const Problem& problem, const Preset& preset, std::unique_ptr<LaunchPlan> plan)
      : problem_(problem), preset_(preset), plan_(std::move(plan)), schedule_(schedule()) {}

  std::size_t workspace_size() const noexcept override { return plan_->workspace_size(); }
  const char* isa() const noexcept override { return preset_.isa; }
  int threads() const noexcept override { return plan_->blocks(); }
  std::string explain() const override {
    return std::string("GPU: ") + preset_.isa + " with " + std::to_string(preset_.gpu.multiprocessors) +
           " multiprocessors, on a host model: exact and slow\n" + plan_->explain();
  }

  Status run(const Arguments& arguments) const noexcept override try {
    const FloatEnvironment environment;
    Machine machine(schedule_);
    const auto operands = problem_.what().operands;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (!problem_.has(i)) continue;
      const ByteRange range = range_of(*problem_.layout(i), arguments.data[i]);
      const bool added_to = operands[i].role == Role::column && problem_.accumulate();
      const GlobalMemory::Use use = operands[i].direction == Direction::input ? GlobalMemory::Use::read
                                    : added_to                                ? GlobalMemory::Use::read_and_write
                                                                              : GlobalMemory::Use::write;
      machine.memory().add(operands[i].name, arguments.data[i], range.end - range.begin, use);
    }
    if (workspace_size() > 0) {
      machine.memory().add("workspace", arguments.workspace, workspace_size(), GlobalMemory::Use::scratch);
    }
    const Launches launches = plan_->launches(arguments);
    for (int i = 0; i < launches.count; ++i) machine.launch(launches.list[static_cast<std::size_t>(i)]);
    if (machine.report().clean()) return {};
    // A fault of the kernel, not of the caller: what it computes on a GPU could be anything.
    return {Code::device_error, std::string("a kernel for ") + preset_.isa + " breaks rules of the hardware on " +
                                    problem_.to_string() + ": " + machine.report().sentences()};
  } catch (...) {
    return out_of_memory();
  }
  // There is a launch for this, too.
  Status run_empty(const Problem&, const Arguments& arguments) const noexcept override { return run(arguments); }

 private:
  Problem problem_;
  const Preset& preset_;
  std::unique_ptr<LaunchPlan> plan_;
  Schedule schedule_;
};

class ModelBackend final : public Backend {
 public:
  const char* device() const noexcept override { return "cuda:model"; }
  std::vector<Availability> availability() const override {
    return {{device(), true, "the kernels for NVIDIA's GPUs on a host model, very slow"}};
  }
  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
    const Preset* preset = options.isa.empty() ? &models[0] : nullptr;
    std::string known;
    for (const Preset& each : models) {
      if (options.isa == each.isa) preset = &each;
      known += (known.empty() ? "" : " or ") + std::string(each.isa);
    }
    if (preset == nullptr) {
      return Status(Code::unsupported, "isa is \"" + options.isa + "\" but cuda:model has " + known);
    }
    Result<std::unique_ptr<LaunchPlan>> plan = plan_launches(problem, preset->gpu, options);
    if (!plan.ok()) return plan.status();
    return std::unique_ptr<Execution>(std::make_unique<ModelExecution>(problem, *preset, std::move(plan).value()));
  }
};

// Where this object is linked in, the device exists.
const bool registered = [] {
  static constinit const ModelBackend backend;
  alng_internal_register_backend(backend_interface, static_cast<const Backend*>(&backend));
  return true;
}();

}  // namespace
}  // namespace alng::impl::cuda::simt
