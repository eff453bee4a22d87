// The C++ interface's calls in C: each struct of alng.h made from its counterpart here, and refusals made Status.
#ifndef ALNG_C_STRUCTS_HPP
#define ALNG_C_STRUCTS_HPP

#include <algorithm>
#include <string>
#include <vector>

#include "alng/alng.h"
#include "alng/by_place.hpp"
#include "alng/forward.hpp"
#include "alng/grad.hpp"
#include "alng/language.h"
#include "alng/options.hpp"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

namespace alng::c_structs {

/// All 0 where absent.
inline alng_tensor tensor(const TensorLayout* layout) noexcept {
  alng_tensor result{};
  if (layout == nullptr) return result;
  result.dtype = static_cast<std::int32_t>(layout->dtype);
  result.rank = layout->rank;
  std::copy(layout->shape.begin(), layout->shape.end(), result.shape);
  std::copy(layout->strides.begin(), layout->strides.end(), result.strides);
  return result;
}

/// The operators as the C interface has them: their structs and their functions.
struct Forward {
  using Description = ForwardDescription;
  using Arguments = ForwardArguments;
  using Problem = alng_forward_problem;
  using Where = alng_forward_arguments;
  static constexpr auto judge = alng_forward_judge;
  static constexpr auto plan_create = alng_forward_plan_create;
  static constexpr auto run = alng_forward_run;
  static constexpr auto one_call = alng_add_layer_norm;

  static void set_options(const Description& description, Problem& problem) noexcept {
    problem.round_sum = description.round_sum ? 1 : 0;
    problem.eps = description.eps;
  }
};

struct Grad {
  using Description = GradDescription;
  using Arguments = GradArguments;
  using Problem = alng_grad_problem;
  using Where = alng_grad_arguments;
  static constexpr auto judge = alng_grad_judge;
  static constexpr auto plan_create = alng_grad_plan_create;
  static constexpr auto run = alng_grad_run;
  static constexpr auto one_call = alng_add_layer_norm_grad;

  static void set_options(const Description& description, Problem& problem) noexcept {
    problem.accumulate = description.accumulate ? 1 : 0;
  }
};

template <class Operator>
typename Operator::Problem problem(const typename Operator::Description& description) noexcept {
  using Table = typename Operator::Description::Table;
  typename Operator::Problem result{};
  result.size = sizeof result;
  for (std::size_t place = 0; place < Table::operands.size(); ++place) {
    Table::at(result, place, [&](alng_tensor& member) { member = tensor(layout_at(description, place)); });
  }
  result.normalized_dims = description.normalized_dims;
  Operator::set_options(description, result);
  return result;
}

/// Points into `options`.
inline alng_options options(const PlanOptions& options) noexcept {
  return {sizeof(alng_options), options.device.c_str(), options.isa.c_str(), options.threads};
}

/// For what has a message that finds no memory itself.
inline Status out_of_memory() noexcept {
  try {
    return {Code::out_of_memory, "out of memory"};
  } catch (...) {  // a std::string that allocates for 13 characters
    return {Code::out_of_memory, {}};
  }
}

/// What `make` returns, or the refusal that stands for the std::bad_alloc it threw.
template <class Make>
auto guarded(Make make) noexcept -> decltype(make()) {
  try {
    return make();
  } catch (...) {
    return out_of_memory();
  }
}

/// `function(alng_status*)`, its code and sentence as a Status.
template <class Function>
Status call(Function function) noexcept {
  return guarded([&]() -> Status {
    alng_status said;
    const auto code = static_cast<Code>(function(&said));
    return code == Code::ok ? Status() : Status(code, said.message);
  });
}

/// `function(const Operator::Where&, alng_status*)`, its code and sentence as a Status.
template <class Operator, class Function>
Status with_arguments(const typename Operator::Arguments& arguments, Function function) noexcept {
  using Table = typename Operator::Arguments::Table;
  typename Operator::Where result{};
  result.size = sizeof result;
  for (std::size_t place = 0; place < Table::operands.size(); ++place) {
    give_pointer<typename Operator::Where, Table>(result, place, pointer_at(arguments, place));
  }
  result.workspace = arguments.workspace;
  result.workspace_size = arguments.workspace_size;
  result.stream = arguments.stream;
  alng_executor executor{};
  if (arguments.executor != nullptr) {
    executor = {arguments.executor->parallel, arguments.executor->context};
    result.executor = &executor;
  }
  return call([&](alng_status* said) { return function(result, said); });
}

/// All entries that `entry_of(index, &entry)` has.
inline std::vector<Availability> list(int32_t (*entry_of)(int32_t, alng_availability*)) {
  std::vector<Availability> all;
  alng_availability entry;
  for (int32_t i = 0; entry_of(i, &entry) != 0; ++i) all.push_back({entry.name, entry.available != 0, entry.reason});
  return all;
}

}  // namespace alng::c_structs

#endif
