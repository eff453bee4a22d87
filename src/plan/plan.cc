#include "plan/plan.h"

#include "order/version.h"
#include "problem/out_of_memory.h"

namespace alng::impl {

namespace {

std::string known_devices() {
  const std::vector<const Backend*> all = backends();
  std::string names;
  for (const Backend* backend : all) names += std::string(backend->device()) + ", ";
  return names + "or empty for " + all.front()->device() +
         (backend_left_out() ? "; a back end built for another version of alng was left out" : "");
}

Status no_streams(const char* device) noexcept try {
  return {Code::bad_option, std::string("the stream is given but must be null: the device ") + device + " has none"};
} catch (...) {
  return out_of_memory();
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
  for (const Backend* backend : backends()) {
    if (!options.device.empty() && !backend->answers_to(options.device)) continue;
    Result<std::unique_ptr<Execution>> execution = backend->plan(problem, options);
    if (!execution.ok()) return execution.status();
    const char* const device = execution.value()->device();
    return Plan(problem, device != nullptr ? device : backend->device(), std::move(execution).value());
  }
  return Status(Code::bad_option, "device is \"" + options.device + "\" but must be one of " + known_devices());
} catch (...) {
  return out_of_memory();
}

std::string Plan::explain() const {
  std::string text = "problem: " + problem_.to_string() + "\n";
  text += std::string("device: ") + device() + "\n";
  text += execution_->explain();
  text += "workspace: " + std::to_string(workspace_size()) + " bytes\n";
  text += "canonical order: " + std::to_string(canonical_order) + "\n";
  return text;
}

Status Plan::run(const Arguments& arguments) const noexcept {
  Status status = check_arguments(problem_, arguments, workspace_size());
  if (!status.ok()) return status;
  if (arguments.stream != nullptr && !execution_->has_streams()) return no_streams(device());
  const bool empty = problem_.rows() == 0 || problem_.columns() == 0;
  return empty ? execution_->run_empty(problem_, arguments) : execution_->run(arguments);
}

}  // namespace alng::impl
