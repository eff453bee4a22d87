// Where a problem's data is, and the judgement of it: presence, alignment, overlap, workspace.
#ifndef ALNG_PROBLEM_ARGUMENTS_H
#define ALNG_PROBLEM_ARGUMENTS_H

#include <array>
#include <cstddef>

#include "alng/options.hpp"
#include "problem/problem.h"

namespace alng::impl {

/// Of any operator; see alng::GradArguments.
struct Arguments {
  /// The operator whose arguments these are.
  const Operator* what = nullptr;
  /// By their places in its table. Inputs are only read through these; one type serves both directions.
  std::array<void*, max_operands> data{};
  void* workspace = nullptr;
  std::size_t workspace_size = 0;
  const Executor* executor = nullptr;
  void* stream = nullptr;
};

/// All rules of the arguments of this problem. Allocates only for a refusal's sentence; outputs are not touched.
Status check_arguments(const Problem& problem, const Arguments& arguments, std::size_t workspace_size) noexcept;

/// The rules of inputs alone: each present exactly where the problem has it.
Status check_inputs(const Problem& problem, const Arguments& arguments) noexcept;

}  // namespace alng::impl

#endif
