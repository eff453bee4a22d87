// The C door: translates and calls, decides nothing.
#include <algorithm>
#include <cstring>
#include <string>

#include "alng/alng.h"
#include "alng/alng.hpp"
#include "problem/out_of_memory.h"

struct alng_plan {
  alng::Plan plan;
};

namespace {

using alng::Code;
using alng::Status;

static_assert(static_cast<int>(Code::out_of_memory) == ALNG_OUT_OF_MEMORY);
static_assert(static_cast<int>(alng::DType::bfloat16) == ALNG_BFLOAT16);
static_assert(alng::max_rank == ALNG_MAX_RANK);

alng_code report(const Status& status, alng_status* out) noexcept {
  const auto code = static_cast<alng_code>(status.code());
  if (out != nullptr) {
    out->code = code;
    const std::size_t length = std::min(status.message().size(), sizeof out->message - 1);
    std::memcpy(out->message, status.message().data(), length);
    out->message[length] = '\0';
  }
  return code;
}

// Nothing that can be thrown may cross into C.
template <class Call>
alng_code guarded(alng_status* out, Call&& call) noexcept {
  try {
    return report(call(), out);
  } catch (...) {
    return report(alng::out_of_memory(), out);
  }
}

alng::TensorLayout layout_of(const alng_tensor& tensor) noexcept {
  alng::TensorLayout layout;
  layout.dtype = static_cast<alng::DType>(tensor.dtype);
  layout.rank = tensor.rank;
  std::copy_n(tensor.shape, ALNG_MAX_RANK, layout.shape.begin());
  std::copy_n(tensor.strides, ALNG_MAX_RANK, layout.strides.begin());
  return layout;
}

std::optional<alng::TensorLayout> optional_layout(const alng_tensor& tensor) noexcept {
  if (tensor.rank == 0) return std::nullopt;
  return layout_of(tensor);
}

alng::ProblemDescription description_of(const alng_problem& problem) noexcept {
  alng::ProblemDescription d;
  d.dy = layout_of(problem.dy);
  d.x1 = layout_of(problem.x1);
  d.x2 = optional_layout(problem.x2);
  d.rstd = layout_of(problem.rstd);
  d.mean = layout_of(problem.mean);
  d.gamma = optional_layout(problem.gamma);
  d.dsum = optional_layout(problem.dsum);
  d.dx = optional_layout(problem.dx);
  d.dgamma = optional_layout(problem.dgamma);
  d.dbeta = optional_layout(problem.dbeta);
  d.normalized_dims = problem.normalized_dims;
  d.accumulate = problem.accumulate != 0;
  return d;
}

alng::PlanOptions options_of(const alng_options* options) {
  alng::PlanOptions result;
  if (options == nullptr) return result;
  if (options->device != nullptr) result.device = options->device;
  if (options->isa != nullptr) result.isa = options->isa;
  result.threads = options->threads;
  return result;
}

// The executor is copied into `executor`, which must outlive the arguments.
alng::Arguments arguments_of(const alng_arguments& a, alng::Executor& executor) noexcept {
  alng::Arguments result{a.dy, a.x1,     a.x2,    a.rstd,      a.mean,           a.gamma, a.dsum,
                         a.dx, a.dgamma, a.dbeta, a.workspace, a.workspace_size, nullptr};
  if (a.executor != nullptr) {
    executor = {a.executor->parallel, a.executor->context};
    result.executor = &executor;
  }
  return result;
}

Status missing(const char* what) { return Status(Code::null_pointer, std::string(what) + " is null"); }

}  // namespace

extern "C" {

alng_tensor alng_contiguous(alng_dtype dtype, int32_t rank, const int64_t* shape) {
  alng_tensor tensor{};
  tensor.dtype = dtype;
  tensor.rank = rank;
  if (rank < 1 || rank > ALNG_MAX_RANK || shape == nullptr) return tensor;
  const auto layout = alng::TensorLayout::contiguous(
      static_cast<alng::DType>(dtype), std::span<const std::int64_t>(shape, static_cast<std::size_t>(rank)));
  std::copy_n(layout.shape.begin(), ALNG_MAX_RANK, tensor.shape);
  std::copy_n(layout.strides.begin(), ALNG_MAX_RANK, tensor.strides);
  return tensor;
}

alng_code alng_plan_create(const alng_problem* problem, const alng_options* options, alng_plan** plan,
                           alng_status* status) {
  return guarded(status, [&]() -> Status {
    if (plan == nullptr) return missing("plan");
    *plan = nullptr;
    if (problem == nullptr) return missing("problem");
    const auto judged = alng::Problem::create(description_of(*problem));
    if (!judged.ok()) return judged.status();
    auto planned = alng::Plan::create(judged.value(), options_of(options));
    if (!planned.ok()) return planned.status();
    *plan = new alng_plan{std::move(planned).value()};
    return {};
  });
}

void alng_plan_destroy(alng_plan* plan) { delete plan; }

size_t alng_plan_workspace_size(const alng_plan* plan) { return plan == nullptr ? 0 : plan->plan.workspace_size(); }

size_t alng_plan_explain(const alng_plan* plan, char* text, size_t size) {
  std::string words;
  if (plan != nullptr) {
    try {
      words = plan->plan.explain();
    } catch (...) {
      words = alng::out_of_memory().message();
    }
  }
  if (text != nullptr && size > 0) {
    const std::size_t length = std::min(words.size(), size - 1);
    std::memcpy(text, words.data(), length);
    text[length] = '\0';
  }
  return words.size();
}

alng_code alng_plan_run(const alng_plan* plan, const alng_arguments* arguments, alng_status* status) {
  return guarded(status, [&]() -> Status {
    if (plan == nullptr) return missing("plan");
    if (arguments == nullptr) return missing("arguments");
    alng::Executor executor;
    return plan->plan.run(arguments_of(*arguments, executor));
  });
}

alng_code alng_add_layer_norm_grad(const alng_problem* problem, const alng_arguments* arguments,
                                   const alng_options* options, alng_status* status) {
  return guarded(status, [&]() -> Status {
    if (problem == nullptr) return missing("problem");
    if (arguments == nullptr) return missing("arguments");
    alng::Executor executor;
    return alng::add_layer_norm_grad(description_of(*problem), arguments_of(*arguments, executor), options_of(options));
  });
}

const char* alng_code_name(alng_code code) { return alng::code_name(static_cast<Code>(code)); }

const char* alng_version(void) { return alng::version(); }

int32_t alng_canonical_order(void) { return alng::canonical_order; }

}  // extern "C"
