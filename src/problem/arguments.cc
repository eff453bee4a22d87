#include "problem/arguments.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>

#include "problem/out_of_memory.h"
#include "problem/overlap.h"

namespace alng::impl {
namespace {

std::string hex(std::uintptr_t address) {
  std::array<char, 2 * sizeof address> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), address, 16).ptr;
  return std::string("0x").append(digits.data(), end);
}

std::string text(const ByteRange& range) {
  return std::string("[").append(hex(range.begin)).append(", ").append(hex(range.end)).append(")");
}

Status check_pointer(const Operand& operand, const TensorLayout* layout, const void* pointer) {
  const auto name = [&operand] { return std::string(operand.name); };
  if (layout == nullptr) {
    if (pointer == nullptr) return {};
    return {Code::null_pointer, name() + " is given but must be null: the problem has no " + name()};
  }
  if (is_empty(*layout)) return {};
  if (pointer == nullptr) {
    return {Code::null_pointer, name() + " is null but must point to " + to_string(*layout)};
  }
  const std::size_t size = dtype_size(layout->dtype);
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(pointer);
  if ((address & (size - 1)) != 0) {  // sizes are powers of two
    return {Code::bad_stride, name() + " points to " + hex(address) + " but must point to a multiple of " +
                                  std::to_string(size) + " bytes, the size of " + dtype_name(layout->dtype)};
  }
  return {};
}

Status check_operator(const Problem& problem, const Arguments& arguments) {
  if (problem.what().kind == arguments.what->kind) return {};
  return {Code::bad_option,
          std::string("the arguments are of ") + arguments.what->name + " but the plan is of " + problem.what().name};
}

Status check_pointers(const Problem& problem, const Arguments& arguments, bool outputs) {
  if (Status status = check_operator(problem, arguments); !status.ok()) return status;
  const auto operands = problem.what().operands;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].direction == Direction::output && !outputs) continue;
    Status status = check_pointer(operands[i], problem.layout(i), arguments.data[i]);
    if (!status.ok()) return status;
  }
  return {};
}

Status check_workspace(const Arguments& arguments, std::size_t needed) {
  if (needed == 0) return {};
  if (arguments.workspace == nullptr) {
    return {Code::bad_workspace, "the workspace is null but must have " + std::to_string(needed) + " bytes"};
  }
  if (arguments.workspace_size < needed) {
    return {Code::bad_workspace, "the workspace has " + std::to_string(arguments.workspace_size) +
                                     " bytes but must have " + std::to_string(needed)};
  }
  return {};
}

Status overlap(const char* name, const ByteRange& range, const char* other, const ByteRange& other_range,
               const char* rule) {
  return {Code::overlap, std::string(name) + " at bytes " + text(range) + " overlaps " + other + " at bytes " +
                             text(other_range) + ": " + rule};
}

/// Ranges alone settle the usual case, tensors in memory of their own; footprints are made for those that intersect.
Status check_overlap(const Problem& problem, const Arguments& arguments, std::size_t workspace_size) {
  const auto operands = problem.what().operands;
  const auto& data = arguments.data;
  std::array<ByteRange, max_operands> ranges;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (problem.has(i)) ranges[i] = range_of(*problem.layout(i), data[i]);
  }
  for (std::size_t output = 0; output < operands.size(); ++output) {
    if (operands[output].direction == Direction::input) continue;
    for (std::size_t other = 0; other < output; ++other) {
      if (!intersect(ranges[output], ranges[other])) continue;
      const TensorLayout& layout = *problem.layout(output);
      const TensorLayout& other_layout = *problem.layout(other);
      const bool in_place = operands[output].role == Role::element && operands[other].role == Role::element &&
                            operands[other].direction == Direction::input;
      if (in_place && data[output] == data[other] && have_same_strides(layout, other_layout)) continue;
      if (are_disjoint(footprint_of(layout, data[output]), footprint_of(other_layout, data[other]))) continue;
      return overlap(operands[output].name, ranges[output], operands[other].name, ranges[other],
                     in_place ? "the two may share memory only with the same address and the same strides"
                              : "the two must not share memory");
    }
  }
  const ByteRange workspace = range_of(arguments.workspace, workspace_size);
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (!intersect(workspace, ranges[i])) continue;
    const Footprint footprint = footprint_of(*problem.layout(i), data[i]);
    if (are_disjoint(footprint_of(arguments.workspace, workspace_size), footprint)) continue;
    return overlap("the workspace", workspace, operands[i].name, ranges[i], "the two must not share memory");
  }
  return {};
}

}  // namespace

Status check_inputs(const Problem& problem, const Arguments& arguments) noexcept try {
  return check_pointers(problem, arguments, false);
} catch (...) {
  return out_of_memory();
}

Status check_arguments(const Problem& problem, const Arguments& arguments, std::size_t workspace_size) noexcept try {
  if (Status status = check_pointers(problem, arguments, true); !status.ok()) return status;
  if (arguments.executor != nullptr && arguments.executor->parallel == nullptr) {
    return {Code::null_pointer, "the executor's parallel is null but must be a function"};
  }
  if (Status status = check_workspace(arguments, workspace_size); !status.ok()) return status;
  return check_overlap(problem, arguments, workspace_size == 0 ? 0 : arguments.workspace_size);
} catch (...) {
  return out_of_memory();
}

}  // namespace alng::impl
