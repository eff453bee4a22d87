#include "plan/plan.h"

#include <bit>
#include <cstring>

#include "order/version.h"
#include "plan/float_environment.h"
#include "problem/float16.h"
#include "problem/out_of_memory.h"
#include "problem/rows.h"

namespace alng::impl {

namespace {

std::string known_devices() {
  std::string names;
  for (const Backend* backend : backends()) {
    if (!names.empty()) names += ", ";
    names += backend->device();
  }
  return names + ", or empty for the best" +
         (backend_left_out() ? "; a back end built for another version of alng was left out" : "");
}

// No rows: the column sums are empty, +0. The outputs may have any strides. Adding +0 is an addition all the same: -0
// becomes +0 and every NaN the canonical one.
void write_empty_sums(const Problem& problem, const Arguments& arguments) noexcept {
  const FloatEnvironment environment;
  const auto operands = problem.what().operands;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].direction == Direction::input || operands[i].role != Role::column || !problem.has(i)) continue;
    const Rows rows = rows_of(problem, i);
    for (std::int64_t j = 0; j < problem.columns(); ++j) {
      auto* element = reinterpret_cast<float*>(static_cast<std::byte*>(arguments.data[i]) + rows.column.offset(j));
      const float value = problem.accumulate() ? *element + 0.0f : 0.0f;
      *element = value == value ? value : std::bit_cast<float>(canonical_nan_float32);
    }
  }
}

// No columns: what each row's mean and rstd would be the mean of is nothing. As 0 / 0 they are NaN.
void write_empty_statistics(const Problem& problem, const Arguments& arguments) noexcept {
  const auto operands = problem.what().operands;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].direction == Direction::input || operands[i].role != Role::row || !problem.has(i)) continue;
    const Rows rows = rows_of(problem, i);
    for (std::int64_t r = 0; r < problem.rows(); ++r) {
      std::memcpy(static_cast<std::byte*>(arguments.data[i]) + rows.row.offset(r), &canonical_nan_float32,
                  sizeof canonical_nan_float32);
    }
  }
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
  std::string passed_over;
  bool known = false;
  Status refusal(Code::unsupported, {});
  for (const Backend* backend : backends()) {
    const std::string device(backend->device());
    if (options.device.empty() ? !backend->chosen_unasked() : options.device != device) continue;
    known = true;
    Result<std::unique_ptr<Execution>> execution = backend->plan(problem, options);
    if (execution.ok()) {
      return Plan(problem, backend->device(), std::move(execution).value(), std::move(passed_over));
    }
    if (execution.status().code() != Code::unsupported) return execution.status();
    passed_over += device + ": " + execution.status().message() + "\n";
    if (refusal.message().empty()) refusal = execution.status();
  }
  if (!known) {
    return Status(Code::bad_option, "device is \"" + options.device + "\" but must be one of " + known_devices());
  }
  return refusal;
} catch (...) {
  return out_of_memory();
}

std::string Plan::explain() const {
  std::string text = "problem: " + problem_.to_string() + "\n";
  text += std::string("device: ") + device() + "\n";
  text += execution_->explain();
  text += "workspace: " + std::to_string(workspace_size()) + " bytes\n";
  text += "canonical order: " + std::to_string(canonical_order) + "\n";
  if (!passed_over_.empty()) text += "passed over: " + passed_over_;
  return text;
}

Status Plan::run(const Arguments& arguments) const noexcept {
  Status status = check_arguments(problem_, arguments, workspace_size());
  if (!status.ok()) return status;
  if (arguments.stream != nullptr) return no_streams(device());
  if (problem_.columns() == 0) {
    write_empty_statistics(problem_, arguments);
    return status;
  }
  if (problem_.rows() == 0) {
    write_empty_sums(problem_, arguments);
    return status;
  }
  return execution_->run(arguments);
}

}  // namespace alng::impl
