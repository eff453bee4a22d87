// Where a problem's data is, and the judgement of it: presence, alignment, overlap, workspace.
#ifndef ALNG_PROBLEM_ARGUMENTS_H
#define ALNG_PROBLEM_ARGUMENTS_H

#include <array>
#include <cstddef>
#include <cstdint>

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

  /// The first multiple of `alignment` in the workspace, which is at any address and therefore alignment - 1 bytes
  /// larger than what is used of it.
  std::byte* workspace_aligned_to(std::size_t alignment) const noexcept {
    return static_cast<std::byte*>(workspace) + (-reinterpret_cast<std::uintptr_t>(workspace) % alignment);
  }
};

/// All rules of the arguments of this problem. Allocates only for a refusal's sentence; outputs are not touched.
Status check_arguments(const Problem& problem, const Arguments& arguments, std::size_t workspace_size) noexcept;

/// The rules of inputs alone: each present exactly where the problem has it.
Status check_inputs(const Problem& problem, const Arguments& arguments) noexcept;

}  // namespace alng::impl

#endif
