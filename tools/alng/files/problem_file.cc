#include "files/problem_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <utility>

namespace alng::cli {
namespace {

std::span<const std::int64_t> trailing_shape(const GradProblem& problem) {
  const TensorLayout& dy = problem.description().dy;
  const int trailing = problem.description().normalized_dims;
  return std::span(dy.shape).subspan(static_cast<std::size_t>(dy.rank - trailing), static_cast<std::size_t>(trailing));
}

GradProblem create(const GradDescription& description, const std::string& file) {
  Result<GradProblem> problem = GradProblem::create(description);
  if (!problem) throw Failure(fmt::format("{}: {}", file, problem.status().message()));
  return std::move(problem).value();
}

// The sentence for a missing tensor lists the names that are there, likely ones first.
[[noreturn]] void missing(const TensorFile& file, std::string_view name, std::string_view hint) {
  const std::vector<std::string>& all = file.all_names();
  const std::vector<std::string> near = near_names(name, file.unused_names());
  std::vector<std::string> names = near;
  std::ranges::copy_if(all, std::back_inserter(names),
                       [&](const std::string& other) { return std::ranges::find(near, other) == near.end(); });
  std::string what(name);
  if (const std::string in_file = file.names().in_file(name); in_file != name) {
    what = fmt::format("{} (for {})", legible(in_file), name);
  }
  std::string there = list_names(names);
  if (!near.empty()) there += "; " + advice(name, near[0], file.names().prefix(), problem_tensors, all);
  throw Failure(fmt::format("tensor {} is missing{}; there are {}", what, hint, there));
}

// The dtypes that the tensor may have, for sentences. dy is the first one, and known for all others.
std::string dtypes_of(std::size_t place, const GradDescription& description) {
  const Type type = grad::operands[place].type;
  if (place == grad::dy) return std::string(any_dtype);
  if (type == Type::float32) return "float32";
  const std::string own = dtype_name(description.dy.dtype);
  if (type == Type::T_or_float32) return own == "float32" ? own : own + ", the dtype of dy, or float32";
  return own + ", the dtype of dy";
}

}  // namespace

TensorLayout layout_of(std::string_view name, const FileTensor& tensor, std::string_view dtypes) {
  if (!tensor.dtype) {
    const bool lacks_sidecar = tensor.dtype_name == "'<u2'" && dtypes.find("bfloat16") != std::string_view::npos;
    throw Failure(fmt::format("{} is {} but must be {}{}", name, describe(tensor), dtypes,
                              lacks_sidecar ? " ('<u2' is bfloat16 where a file NAME.dtype beside it says so)" : ""));
  }
  if (tensor.shape.size() > max_rank) {
    throw Failure(fmt::format("{} has rank {}; at most {} is supported", name, tensor.shape.size(), max_rank));
  }
  if (std::ranges::any_of(tensor.shape, [](std::int64_t extent) { return extent < 0; })) {
    throw Failure(fmt::format("{} is {} but its extents must be below 2^63", name, describe(tensor)));
  }
  if (!tensor.column_major) return TensorLayout::contiguous(*tensor.dtype, tensor.shape);
  std::vector<std::int64_t> strides;
  std::int64_t stride = 1;
  for (const std::int64_t extent : tensor.shape) {
    strides.push_back(stride);
    stride *= extent;  // at most the number of elements, or 0: checked when the file was read
  }
  return TensorLayout::strided(*tensor.dtype, tensor.shape, strides);
}

ProblemFile load_problem(const std::filesystem::path& path, const ProblemChoices& choices) {
  const TensorNames names(problem_tensors, choices.prefix, choices.renames);
  TensorFile file(path, problem_tensors, names);
  GradDescription description;
  GradArguments arguments;
  description.normalized_dims = choices.normalized_dims;
  try {
    for (const std::string_view name : problem_tensors) {
      if (names.is_renamed(name) && file.find(name) == nullptr) missing(file, name, "");
    }
    for (std::size_t place = 0; place < input_count; ++place) {
      const std::string_view name = grad::operands[place].name;
      const FileTensor* const tensor = file.find(name);
      if (tensor == nullptr) {
        if (grad::operands[place].presence == Presence::required) missing(file, name, "");
        if (place == grad::x2 && !choices.no_x2) {
          missing(file, name, " (--no-x2 asks for the backward of a LayerNorm of x1 alone)");
        }
        continue;
      }
      if (place == grad::x2 && choices.no_x2) throw Failure("it has a tensor x2, but --no-x2 is given");
      give_layout(description, place, layout_of(name, *tensor, dtypes_of(place, description)));
      give_pointer(arguments, place, tensor->data.data());
    }
  } catch (const Failure& failure) {
    throw Failure(fmt::format("{}: {}", file.name(), failure.what()));
  }
  // Judged once to learn how many dimensions are normalised, which the shapes of the outputs depend on.
  const GradProblem inputs = create(description, file.name());
  description.normalized_dims = inputs.description().normalized_dims;
  const std::vector<OutputTensor> outputs = output_tensors(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    give_layout(description, input_count + i, TensorLayout::contiguous(outputs[i].dtype, outputs[i].shape));
  }
  const GradProblem problem = create(description, file.name());
  return {std::move(file), problem, arguments};
}

std::vector<OutputTensor> output_tensors(const GradProblem& problem) {
  const TensorLayout& dy = problem.description().dy;
  const auto trailing = trailing_shape(problem);
  const std::vector<std::int64_t> columns(trailing.begin(), trailing.end());
  const std::vector<std::int64_t> elements(dy.shape.begin(), dy.shape.begin() + dy.rank);
  std::vector<OutputTensor> outputs;
  for (std::size_t i = 0; i < result_count; ++i) {
    const Operand& operand = grad::operands[input_count + i];
    outputs.push_back({operand.name, operand.type == Type::float32 ? DType::float32 : dy.dtype,
                       operand.role == Role::element ? elements : columns});
  }
  return outputs;
}

std::string shape_text(const TensorLayout& layout) {
  return fmt::format("{}", fmt::join(layout.shape.begin(), layout.shape.begin() + layout.rank, "x"));
}

std::string unused_tensors(const TensorFile& file) {
  const std::vector<std::string> unused = file.unused_names();
  if (unused.empty()) return {};
  std::string text = list_names(unused);
  for (const std::string_view optional : {"x2", "gamma", "dsum"}) {
    if (file.find(optional) != nullptr) continue;
    const std::vector<std::string> near = near_names(optional, unused);
    if (near.empty()) continue;
    text += fmt::format("\n{} is absent; {}", optional,
                        advice(optional, near[0], file.names().prefix(), problem_tensors, file.all_names()));
  }
  return text;
}

}  // namespace alng::cli
