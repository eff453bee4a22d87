#include "problem/arguments.h"

#include <array>
#include <charconv>
#include <cstdint>
#include <string>

#include "problem/out_of_memory.h"
#include "problem/overlap.h"
#include "problem/tensors.h"

namespace alng {
namespace {

/// The pointers in the order of tensors_of().
std::array<const void*, tensor_count> pointers_of(const Arguments& arguments) noexcept {
  return {arguments.dy,    arguments.x1,   arguments.x2, arguments.rstd,   arguments.mean,
          arguments.gamma, arguments.dsum, arguments.dx, arguments.dgamma, arguments.dbeta};
}

/// Positions in that order that the overlap rule speaks of.
constexpr std::size_t dy_index = 0, x1_index = 1, x2_index = 2, dsum_index = 6, dx_index = 7;

bool may_be_in_place(std::size_t output, std::size_t other) noexcept {
  return output == dx_index && (other == dy_index || other == x1_index || other == x2_index || other == dsum_index);
}

std::string hex(std::uintptr_t address) {
  std::array<char, 2 * sizeof address> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), address, 16).ptr;
  return std::string("0x").append(digits.data(), end);
}

std::string text(const ByteRange& range) {
  return std::string("[").append(hex(range.begin)).append(", ").append(hex(range.end)).append(")");
}

Status check_pointer(const NamedLayout& tensor, const void* pointer) {
  const auto name = [&tensor] { return std::string(tensor.name); };
  if (tensor.layout == nullptr) {
    if (pointer == nullptr) return {};
    return {Code::null_pointer, name() + " is given but must be null: the problem has no " + name()};
  }
  if (is_empty(*tensor.layout)) return {};
  if (pointer == nullptr) {
    return {Code::null_pointer, name() + " is null but must point to " + to_string(*tensor.layout)};
  }
  const std::size_t size = dtype_size(tensor.layout->dtype);
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(pointer);
  if (address % size != 0) {
    return {Code::bad_stride, name() + " points to " + hex(address) + " but must point to a multiple of " +
                                  std::to_string(size) + " bytes, the size of " + dtype_name(tensor.layout->dtype)};
  }
  return {};
}

Status check_pointers(const std::array<NamedLayout, tensor_count>& tensors,
                      const std::array<const void*, tensor_count>& pointers, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (Status status = check_pointer(tensors[i], pointers[i]); !status.ok()) return status;
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
Status check_overlap(const std::array<NamedLayout, tensor_count>& tensors,
                     const std::array<const void*, tensor_count>& pointers, const void* workspace,
                     std::size_t workspace_size) {
  std::array<ByteRange, tensor_count> ranges;
  for (std::size_t i = 0; i < tensor_count; ++i) {
    if (tensors[i].layout != nullptr) ranges[i] = range_of(*tensors[i].layout, pointers[i]);
  }
  for (std::size_t output = input_count; output < tensor_count; ++output) {
    for (std::size_t other = 0; other < output; ++other) {
      if (!intersect(ranges[output], ranges[other])) continue;
      const TensorLayout& layout = *tensors[output].layout;
      const TensorLayout& other_layout = *tensors[other].layout;
      const bool in_place = may_be_in_place(output, other);
      if (in_place && pointers[output] == pointers[other] && have_same_strides(layout, other_layout)) continue;
      if (are_disjoint(footprint_of(layout, pointers[output]), footprint_of(other_layout, pointers[other]))) continue;
      return overlap(tensors[output].name, ranges[output], tensors[other].name, ranges[other],
                     in_place ? "the two may share memory only with the same address and the same strides"
                              : "the two must not share memory");
    }
  }
  const ByteRange workspace_range = range_of(workspace, workspace_size);
  for (std::size_t i = 0; i < tensor_count; ++i) {
    if (!intersect(workspace_range, ranges[i])) continue;
    if (are_disjoint(footprint_of(workspace, workspace_size), footprint_of(*tensors[i].layout, pointers[i]))) continue;
    return overlap("the workspace", workspace_range, tensors[i].name, ranges[i], "the two must not share memory");
  }
  return {};
}

}  // namespace

Status check_inputs(const Problem& problem, const Arguments& arguments) noexcept try {
  return check_pointers(tensors_of(problem.description()), pointers_of(arguments), input_count);
} catch (...) {
  return out_of_memory();
}

Status check_arguments(const Problem& problem, const Arguments& arguments, std::size_t workspace_size) noexcept try {
  const auto tensors = tensors_of(problem.description());
  const auto pointers = pointers_of(arguments);
  if (Status status = check_pointers(tensors, pointers, tensor_count); !status.ok()) return status;
  if (arguments.executor != nullptr && arguments.executor->parallel == nullptr) {
    return {Code::null_pointer, "the executor's parallel is null but must be a function"};
  }
  if (Status status = check_workspace(arguments, workspace_size); !status.ok()) return status;
  const std::size_t occupied = workspace_size == 0 ? 0 : arguments.workspace_size;
  return check_overlap(tensors, pointers, arguments.workspace, occupied);
} catch (...) {
  return out_of_memory();
}

}  // namespace alng
