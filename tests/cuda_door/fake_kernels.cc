// Kernels of the fake GPUs: the whole operator, by the reference.
#include <atomic>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "cuda/launch.h"
#include "cuda_door/fake_gpus.h"
#include "plan/backend.h"
#include "problem/overlap.h"

namespace alng::impl::cuda {
namespace {

/// A problem and how the reference does it. Kept for good: a launch may outlive its plan.
struct Planned {
  Problem problem;
  std::unique_ptr<Execution> reference;
  const Planned* before;
};
/// The one made last, and so all of them.
constinit std::atomic<const Planned*> all_planned = nullptr;

struct Parameters {
  const Planned* planned;
  Arguments arguments;
};
static_assert(sizeof(Parameters) <= sizeof(Launch::parameters));

bool compute(int gpu, const void* bytes) {
  Parameters parameters;
  std::memcpy(&parameters, bytes, sizeof parameters);
  const auto& [planned, arguments] = parameters;
  const Problem& problem = planned->problem;
  const auto is_here = [&](const ByteRange& range) {
    return range.begin == range.end || test::is_of_gpu(gpu, range.begin, range.end);
  };
  for (std::size_t i = 0; i < problem.what().operands.size(); ++i) {
    if (problem.has(i) && !is_here(range_of(*problem.layout(i), arguments.data[i]))) return false;
  }
  if (!is_here(range_of(arguments.workspace, planned->reference->workspace_size()))) return false;
  const bool empty = problem.rows() == 0 || problem.columns() == 0;
  return (empty ? planned->reference->run_empty(problem, arguments) : planned->reference->run(arguments)).ok();
}

// As the last kernel of a gradient does: begins early, and waits.
bool nothing(int, const void*) { return true; }

const Kernel kernels[] = {{{}, reinterpret_cast<const void*>(&compute)}, {{}, reinterpret_cast<const void*>(&nothing)}};

class FakeLaunchPlan final : public LaunchPlan {
 public:
  /// In as many clusters of 2 blocks, or none.
  FakeLaunchPlan(const Planned& planned, unsigned shared_bytes, int clusters)
      : planned_(planned),
        clusters_(clusters),
        uses_{{&kernels[0], shared_bytes, clusters > 0 ? 2u : 1u, 512}, {&kernels[1], 0}} {}
  std::size_t workspace_size() const noexcept override { return planned_.reference->workspace_size(); }
  std::span<const Use> uses() const noexcept override { return uses_; }
  int blocks() const noexcept override { return 264; }
  std::string explain() const override {
    return "kernels: of the fake" + (clusters_ > 0 ? ", in " + std::to_string(clusters_) + " clusters" : "") + "\n";
  }
  Launches launches(const Arguments& arguments) const noexcept override {
    Launches result;
    result.count = 2;
    const Parameters parameters{&planned_, arguments};
    for (std::size_t i = 0; i < 2; ++i) {
      Launch& launch = result.list[i];
      launch.kernel = uses_[i].kernel;
      launch.shared_bytes = uses_[i].shared_bytes;
      launch.cluster = uses_[i].cluster;
      launch.grid_x = launch.cluster;
      launch.early = i == 1;
      std::memcpy(launch.parameters.data(), &parameters, sizeof parameters);
    }
    return result;
  }

 private:
  const Planned& planned_;
  int clusters_;
  Use uses_[2];
};

}  // namespace

// Few columns take little shared memory, many take much, and some take more than there is; 12288 take clusters.
Result<std::unique_ptr<LaunchPlan>> plan_launches(const Problem& problem, const Gpu& gpu, const PlanOptions&) {
  const std::int64_t columns = problem.columns();
  if (columns == 77777) return Status(Code::unsupported, "the fake has no kernel for 77777 columns");
  const std::int64_t shared = columns == 66666 ? gpu.shared_per_block : columns > 64 ? 200000 : 1000;
  Result<std::unique_ptr<Execution>> reference = reference_backend().plan(problem, {});
  if (!reference.ok()) return reference.status();
  auto& planned = *new Planned{problem, std::move(reference).value(), nullptr};
  planned.before = all_planned.exchange(&planned);
  return std::unique_ptr<LaunchPlan>(
      std::make_unique<FakeLaunchPlan>(planned, static_cast<unsigned>(shared), columns == 12288 ? gpu.clusters[0] : 0));
}

}  // namespace alng::impl::cuda
