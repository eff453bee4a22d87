// The C door: translates and calls, decides nothing. The memory of devices is in memory.cc.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "alng/alng.h"
#include "cpu/instruction_set.h"
#include "doors/answer.h"
#include "order/version.h"
#include "plan/plan.h"
#include "reference/oracle.h"

struct alng_plan {
  alng::impl::Plan plan;
};

namespace alng::impl {
namespace {

/// Beyond what any version's struct will need: a size that was never set is not read to its end.
constexpr std::size_t too_large = std::size_t{1} << 16;

/// Copies a struct that begins with its size, as the caller's header has it, to one as this library has it.
template <class Struct>
Status copy(const Struct* given, const char* name, Struct& out) {
  static_assert(std::is_trivially_copyable_v<Struct> && offsetof(Struct, size) == 0);
  std::size_t size;
  std::memcpy(&size, given, sizeof size);
  if (size < sizeof out || size >= too_large) {
    return {Code::bad_option, "the size of " + std::string(name) + " is " + std::to_string(size) +
                                  " but must be its sizeof, " + std::to_string(sizeof out) + " or more" +
                                  (size < sizeof out ? "" : " and less than " + std::to_string(too_large))};
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  if (std::any_of(bytes + sizeof out, bytes + size, [](unsigned char byte) { return byte != 0; })) {
    return {Code::unsupported, std::string(name) + " has members behind its first " + std::to_string(sizeof out) +
                                   " bytes that are not 0 and that alng " ALNG_VERSION " does not know"};
  }
  std::memcpy(&out, given, sizeof out);
  return {};
}

/// All of it is 0. What is 0 in part was meant to be a tensor.
bool is_absent(const alng_tensor& tensor) noexcept {
  static_assert(std::has_unique_object_representations_v<alng_tensor>);
  constexpr alng_tensor none{};
  return std::memcmp(&tensor, &none, sizeof none) == 0;
}

TensorLayout layout_of(const alng_tensor& tensor) noexcept {
  TensorLayout layout;
  layout.dtype = static_cast<DType>(tensor.dtype);
  layout.rank = tensor.rank;
  std::copy_n(tensor.shape, ALNG_MAX_RANK, layout.shape.begin());
  std::copy_n(tensor.strides, ALNG_MAX_RANK, layout.strides.begin());
  return layout;
}

void copy_options(const alng_forward_problem& given, Description& description) noexcept {
  description.round_sum = given.round_sum != 0;
  description.eps = given.eps;
}
void copy_options(const alng_grad_problem& given, Description& description) noexcept {
  description.accumulate = given.accumulate != 0;
}

/// An operator by its struct of tensors or of pointers: the name of that struct, the operator and its table.
template <class Struct>
struct Named;
template <>
struct Named<alng_forward_problem> {
  static constexpr const char* name = "alng_forward_problem";
  static constexpr const Operator& what = add_layer_norm;
  using Table = alng::forward::Table;
};
template <>
struct Named<alng_grad_problem> {
  static constexpr const char* name = "alng_grad_problem";
  static constexpr const Operator& what = add_layer_norm_grad;
  using Table = alng::grad::Table;
};
template <>
struct Named<alng_forward_arguments> : Named<alng_forward_problem> {
  static constexpr const char* name = "alng_forward_arguments";
};
template <>
struct Named<alng_grad_arguments> : Named<alng_grad_problem> {
  static constexpr const char* name = "alng_grad_arguments";
};

template <class Struct>
Result<Problem> problem_of(const Struct* given) {
  using Table = typename Named<Struct>::Table;
  if (given == nullptr) return missing("problem");
  Struct problem{};
  if (Status status = copy(given, Named<Struct>::name, problem); !status.ok()) return status;
  Description description(Named<Struct>::what);
  for (std::size_t place = 0; place < Table::operands.size(); ++place) {
    Table::at(problem, place, [&](const alng_tensor& tensor) {
      const bool required = Table::operands[place].presence == Presence::required;
      if (required || !is_absent(tensor)) description.give(place, layout_of(tensor));
    });
  }
  description.normalized_dims = problem.normalized_dims;
  copy_options(problem, description);
  return Problem::create(description);
}

Result<PlanOptions> options_of(const alng_options* given) {
  PlanOptions result;
  if (given == nullptr) return result;
  alng_options options{};
  if (Status status = copy(given, "alng_options", options); !status.ok()) return status;
  if (options.device != nullptr) result.device = options.device;
  if (options.isa != nullptr) result.isa = options.isa;
  result.threads = options.threads;
  return result;
}

template <class Struct>
Result<Plan> plan_of(const Struct* given, const alng_options* given_options) {
  const Result<Problem> problem = problem_of(given);
  if (!problem.ok()) return problem.status();
  const Result<PlanOptions> options = options_of(given_options);
  if (!options.ok()) return options.status();
  return Plan::create(problem.value(), options.value());
}

/// What is returned points to `executor`, which is filled in.
template <class Struct>
Result<Arguments> arguments_of(const Struct* given, Executor& executor) {
  using Table = typename Named<Struct>::Table;
  if (given == nullptr) return missing("arguments");
  Struct arguments{};
  if (Status status = copy(given, Named<Struct>::name, arguments); !status.ok()) return status;
  Arguments result;
  result.what = &Named<Struct>::what;
  for (std::size_t place = 0; place < Table::operands.size(); ++place) {
    Table::at(arguments, place, [&](const void* pointer) { result.data[place] = const_cast<void*>(pointer); });
  }
  result.workspace = arguments.workspace;
  result.workspace_size = arguments.workspace_size;
  result.stream = arguments.stream;
  if (arguments.executor != nullptr) {
    executor = {arguments.executor->parallel, arguments.executor->context};
    result.executor = &executor;
  }
  return result;
}

template <class Struct>
alng_code judge(const Struct* problem, alng_summary* summary, alng_status* status) {
  return guarded(status, [&]() -> Status {
    alng_summary result{};
    if (summary != nullptr) {
      if (Status size = copy(summary, "alng_summary", result); !size.ok()) return size;
    }
    const Result<Problem> judged = problem_of(problem);
    if (!judged.ok() || summary == nullptr) return judged.status();
    result.rows = judged->rows();
    result.columns = judged->columns();
    result.bytes = judged->bytes();
    result.normalized_dims = judged->normalized_dims();
    copy_text(judged->to_string(), result.text, sizeof result.text);
    std::memcpy(summary, &result, sizeof result);
    return {};
  });
}

template <class Struct>
alng_code plan_create(const Struct* problem, const alng_options* options, alng_plan** plan, alng_status* status) {
  return guarded(status, [&]() -> Status {
    if (plan == nullptr) return missing("plan");
    *plan = nullptr;
    Result<Plan> planned = plan_of(problem, options);
    if (!planned.ok()) return planned.status();
    *plan = new alng_plan{std::move(planned).value()};
    return {};
  });
}

template <class Struct>
alng_code run(const alng_plan* plan, const Struct* arguments, alng_status* status) {
  return guarded(status, [&]() -> Status {
    if (plan == nullptr) return missing("plan");
    Executor executor;
    const Result<Arguments> where = arguments_of(arguments, executor);
    return where.ok() ? plan->plan.run(where.value()) : where.status();
  });
}

template <class Struct, class Where>
alng_code one_call(const Struct* problem, const Where* arguments, const alng_options* options, alng_status* status) {
  return guarded(status, [&]() -> Status {
    Executor executor;
    Result<Arguments> where = arguments_of(arguments, executor);
    if (!where.ok()) return where.status();
    const Result<Plan> plan = plan_of(problem, options);
    if (!plan.ok()) return plan.status();
    where->workspace_size = plan->workspace_size();
    const Memory* const memory = plan->memory();
    if (memory == nullptr) {
      const auto workspace = std::make_unique_for_overwrite<std::byte[]>(where->workspace_size);
      where->workspace = workspace.get();
      return plan->run(where.value());
    }
    const Result<void*> workspace = memory->allocate(where->workspace_size);
    if (!workspace.ok()) return workspace.status();
    where->workspace = workspace.value();
    Status done = plan->run(where.value());
    memory->free(workspace.value());  // waits for the run
    return done;
  });
}

/// `oracle(problem, arguments)` of what is given.
template <class Struct, class Where, class Oracle>
alng_code judge_by(const Struct* problem, const Where* arguments, alng_status* status, Oracle oracle) {
  return guarded(status, [&]() -> Status {
    const Result<Problem> judged = problem_of(problem);
    if (!judged.ok()) return judged.status();
    Executor executor;
    const Result<Arguments> where = arguments_of(arguments, executor);
    return where.ok() ? oracle(judged.value(), where.value()) : where.status();
  });
}

/// Writes what the list has at `index`; 0 where there is nothing, or no memory for the list.
template <class List>
std::int32_t entry_of(List list, std::int32_t index, alng_availability* entry) {
  try {
    const std::vector<Availability> all = list();
    if (entry == nullptr || index < 0 || static_cast<std::size_t>(index) >= all.size()) return 0;
    const Availability& found = all[static_cast<std::size_t>(index)];
    copy_text(found.name, entry->name, sizeof entry->name);
    copy_text(found.reason, entry->reason, sizeof entry->reason);
    entry->available = found.available ? 1 : 0;
    return 1;
  } catch (...) {
    return 0;
  }
}

}  // namespace
}  // namespace alng::impl

using namespace alng::impl;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

alng_tensor alng_contiguous(alng_dtype dtype, int32_t rank, const int64_t* shape) {
  alng_tensor tensor{};
  tensor.dtype = dtype;
  tensor.rank = rank;
  const bool valid = rank >= 1 && rank <= ALNG_MAX_RANK;
  if (!valid || shape == nullptr) {
    if (valid) tensor.rank = 0;
    if (is_absent(tensor)) tensor.rank = -1;  // refused, too
    return tensor;
  }
  const auto layout = alng::TensorLayout::contiguous(
      static_cast<alng::DType>(dtype), std::span<const std::int64_t>(shape, static_cast<std::size_t>(rank)));
  std::copy_n(layout.shape.begin(), ALNG_MAX_RANK, tensor.shape);
  std::copy_n(layout.strides.begin(), ALNG_MAX_RANK, tensor.strides);
  return tensor;
}

alng_code alng_forward_judge(const alng_forward_problem* problem, alng_summary* summary, alng_status* status) {
  return judge(problem, summary, status);
}
alng_code alng_grad_judge(const alng_grad_problem* problem, alng_summary* summary, alng_status* status) {
  return judge(problem, summary, status);
}

alng_code alng_forward_plan_create(const alng_forward_problem* problem, const alng_options* options, alng_plan** plan,
                                   alng_status* status) {
  return plan_create(problem, options, plan, status);
}
alng_code alng_grad_plan_create(const alng_grad_problem* problem, const alng_options* options, alng_plan** plan,
                                alng_status* status) {
  return plan_create(problem, options, plan, status);
}

void alng_plan_destroy(alng_plan* plan) { delete plan; }

size_t alng_plan_workspace_size(const alng_plan* plan) { return plan == nullptr ? 0 : plan->plan.workspace_size(); }
const char* alng_plan_device(const alng_plan* plan) { return plan == nullptr ? "" : plan->plan.device(); }
const char* alng_plan_isa(const alng_plan* plan) { return plan == nullptr ? "" : plan->plan.isa(); }
int32_t alng_plan_threads(const alng_plan* plan) { return plan == nullptr ? 0 : plan->plan.threads(); }

const alng_memory* alng_plan_memory(const alng_plan* plan) {
  return plan == nullptr ? nullptr : reinterpret_cast<const alng_memory*>(plan->plan.memory());
}

size_t alng_plan_explain(const alng_plan* plan, char* text, size_t size) {
  std::string words;
  if (plan != nullptr) {
    try {
      words = plan->plan.explain();
    } catch (...) {
      words = out_of_memory().message();
    }
  }
  if (text != nullptr && size > 0) copy_text(words, text, size);
  return words.size();
}

alng_code alng_forward_run(const alng_plan* plan, const alng_forward_arguments* arguments, alng_status* status) {
  return run(plan, arguments, status);
}
alng_code alng_grad_run(const alng_plan* plan, const alng_grad_arguments* arguments, alng_status* status) {
  return run(plan, arguments, status);
}

alng_code alng_add_layer_norm(const alng_forward_problem* problem, const alng_forward_arguments* arguments,
                              const alng_options* options, alng_status* status) {
  return one_call(problem, arguments, options, status);
}
alng_code alng_add_layer_norm_grad(const alng_grad_problem* problem, const alng_grad_arguments* arguments,
                                   const alng_options* options, alng_status* status) {
  return one_call(problem, arguments, options, status);
}

alng_code alng_forward_oracle(const alng_forward_problem* problem, const alng_forward_arguments* arguments, double* y,
                              double* mean, double* rstd, double* x, alng_status* status) {
  return judge_by(problem, arguments, status, [&](const Problem& asked, const Arguments& where) {
    return oracle(asked, where, ForwardOracleOutputs{y, mean, rstd, x});
  });
}
alng_code alng_grad_oracle(const alng_grad_problem* problem, const alng_grad_arguments* arguments, double* dx,
                           double* dgamma, double* dbeta, alng_status* status) {
  return judge_by(problem, arguments, status, [&](const Problem& asked, const Arguments& where) {
    return oracle(asked, where, GradOracleOutputs{dx, dgamma, dbeta});
  });
}

int32_t alng_device(int32_t index, alng_availability* entry) { return entry_of(devices, index, entry); }
int32_t alng_instruction_set(int32_t index, alng_availability* entry) {
  return entry_of(cpu::instruction_sets, index, entry);
}

const char* alng_code_name(alng_code code) {
  constexpr const char* names[] = {"ok",          "null_pointer",  "bad_dtype",     "bad_shape",
                                   "bad_stride",  "overlap",       "bad_workspace", "bad_option",
                                   "unsupported", "out_of_memory", "device_error"};
  static_assert(std::size(names) == ALNG_DEVICE_ERROR + 1);
  const auto number = static_cast<std::size_t>(code);
  return number < std::size(names) ? names[number] : "unknown";
}

const char* alng_version(void) { return ALNG_VERSION; }

int32_t alng_canonical_order(void) { return canonical_order; }

}  // extern "C"
