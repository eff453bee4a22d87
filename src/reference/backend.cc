// The device "reference": the canonical order run row by row.
#include "plan/backend.h"

#include <memory>

#include "plan/float_environment.h"
#include "reference/walk.h"

namespace alng::impl {
namespace {

class ReferenceExecution final : public Execution {
 public:
  explicit ReferenceExecution(const Problem& problem) noexcept : problem_(problem) {}
  std::size_t workspace_size() const noexcept override {
    if (problem_.rows() == 0 || problem_.columns() == 0) return 0;
    const std::int64_t floats = is_forward() ? reference::forward_scratch(problem_) : reference::grad_scratch(problem_);
    return static_cast<std::size_t>(floats) * sizeof(float) + alignof(float) - 1;
  }
  const char* isa() const noexcept override { return "scalar"; }
  int threads() const noexcept override { return 1; }
  std::string explain() const override {
    return "order: every element as src/reference/canonical.cc writes it, on the calling thread\n";
  }
  Status run(const Arguments& arguments) const noexcept override {
    const FloatEnvironment environment;
    is_forward() ? reference::run_forward(problem_, arguments) : reference::run_grad(problem_, arguments);
    return {};
  }

 private:
  bool is_forward() const noexcept { return problem_.what().kind == Kind::forward; }

  Problem problem_;
};

class ReferenceBackend final : public Backend {
 public:
  const char* device() const noexcept override { return "reference"; }
  std::vector<Availability> availability() const override {
    return {{"reference", true, "scalar code that runs everywhere, slow"}};
  }
  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
    if (!options.isa.empty() && options.isa != "scalar") {
      return Status(Code::unsupported,
                    "the reference is scalar code and has no instruction set \"" + options.isa + "\"");
    }
    return std::unique_ptr<Execution>(std::make_unique<ReferenceExecution>(problem));
  }
};

}  // namespace

const Backend& reference_backend() noexcept {
  static constinit const ReferenceBackend backend;
  return backend;
}

}  // namespace alng::impl
