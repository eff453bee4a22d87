#include "alng/plan.hpp"

#include <bit>

#include "plan/backend.h"
#include "plan/float_environment.h"
#include "problem/arguments.h"
#include "problem/float16.h"
#include "problem/out_of_memory.h"
#include "problem/rows.h"

namespace alng {

struct Plan::State {
  Problem problem;
  std::string_view device;
  std::unique_ptr<Execution> execution;
  std::string passed_over;
};

namespace {

std::string known_devices() {
  std::string names;
  for (const Backend* backend : backends()) {
    if (!names.empty()) names += ", ";
    names += backend->device();
  }
  return names;
}

// No rows: the sums are empty, +0. The outputs may have any strides. Adding +0 is an addition all the same: -0 becomes
// +0 and every NaN the canonical one.
void write_empty_sums(const Problem& problem, const std::optional<TensorLayout>& layout, float* output) noexcept {
  if (!layout) return;
  const FloatEnvironment environment;
  const ProblemDescription& description = problem.description();
  const Rows rows = rows_of(*layout, description.normalized_dims);
  for (std::int64_t j = 0; j < problem.columns(); ++j) {
    auto* element = reinterpret_cast<float*>(reinterpret_cast<std::byte*>(output) + rows.column.offset(j));
    const float value = description.accumulate ? *element + 0.0f : 0.0f;
    *element = value == value ? value : std::bit_cast<float>(canonical_nan_float32);
  }
}

// More columns can only come from tensors that repeat their elements; the sizes of scratch memory would leave 64 bits.
constexpr std::int64_t max_columns = std::int64_t{1} << 48;

}  // namespace

Result<Plan> Plan::create(const Problem& problem, const PlanOptions& options) noexcept try {
  if (problem.columns() > max_columns) {
    return Status(Code::unsupported, "the problem has " + std::to_string(problem.columns()) +
                                         " columns but no device takes more than " + std::to_string(max_columns));
  }
  if (options.threads < 0) {
    return Status(Code::bad_option, "threads is " + std::to_string(options.threads) + " but must not be negative");
  }
  std::string passed_over;
  bool known = false;
  Status refusal(Code::unsupported, {});
  for (const Backend* backend : backends()) {
    const std::string device(backend->device());
    if (options.device.empty() ? !backend->chosen_unasked() : options.device != device) continue;
    known = true;
    Result<std::unique_ptr<Execution>> execution = backend->plan(problem, options);
    if (execution.ok()) {
      return Plan(std::make_shared<const State>(
          State{problem, backend->device(), std::move(execution).value(), std::move(passed_over)}));
    }
    if (execution.status().code() != Code::unsupported) return execution.status();
    passed_over += device + ": " + execution.status().message() + "\n";
    if (refusal.message().empty()) refusal = execution.status();
  }
  if (!known) {
    return Status(Code::bad_option, "device is \"" + options.device + "\" but must be one of " + known_devices() +
                                        ", or empty for the best");
  }
  return refusal;
} catch (...) {
  return out_of_memory();
}

const Problem& Plan::problem() const noexcept { return state_->problem; }
std::size_t Plan::workspace_size() const noexcept { return state_->execution->workspace_size(); }
std::string_view Plan::device() const noexcept { return state_->device; }
std::string_view Plan::isa() const noexcept { return state_->execution->isa(); }
int Plan::threads() const noexcept { return state_->execution->threads(); }

std::string Plan::explain() const {
  std::string text = "problem: " + problem().to_string() + "\n";
  text += "device: " + std::string(device()) + "\n";
  text += state_->execution->explain();
  text += "workspace: " + std::to_string(workspace_size()) + " bytes\n";
  text += "canonical order: " + std::to_string(canonical_order) + "\n";
  if (!state_->passed_over.empty()) text += "passed over: " + state_->passed_over;
  return text;
}

Status Plan::run(const Arguments& arguments) const noexcept {
  Status status = check_arguments(problem(), arguments, workspace_size());
  if (!status.ok() || problem().columns() == 0) return status;
  if (problem().rows() == 0) {
    write_empty_sums(problem(), problem().description().dgamma, arguments.dgamma);
    write_empty_sums(problem(), problem().description().dbeta, arguments.dbeta);
    return status;
  }
  state_->execution->run(arguments);
  return status;
}

}  // namespace alng
