#include "problem_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <span>
#include <utility>

namespace alng::cli {
namespace {

std::span<const std::int64_t> trailing_shape(const Problem& problem) {
  const TensorLayout& dy = problem.description().dy;
  const int trailing = problem.description().normalized_dims;
  return std::span(dy.shape).subspan(static_cast<std::size_t>(dy.rank - trailing), static_cast<std::size_t>(trailing));
}

Problem create(const ProblemDescription& description, const std::string& file) {
  Result<Problem> problem = Problem::create(description);
  if (!problem) throw Failure(fmt::format("{}: {}", file, problem.status().message()));
  return std::move(problem).value();
}

}  // namespace

TensorLayout layout_of(std::string_view name, const FileTensor& tensor) {
  if (!tensor.dtype) {
    throw Failure(fmt::format("{} is {}; F32, F16 or BF16 is expected", name, describe(tensor)));
  }
  if (tensor.shape.size() > max_rank) {
    throw Failure(fmt::format("{} has rank {}; at most {} is supported", name, tensor.shape.size(), max_rank));
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
  TensorFile file(path, problem_tensors);
  ProblemDescription description;
  Arguments arguments;
  description.normalized_dims = choices.normalized_dims;
  try {
    const auto take = [&](std::string_view name, const void*& data, bool required) -> std::optional<TensorLayout> {
      const FileTensor* tensor = file.find(name);
      if (tensor == nullptr) {
        if (required) throw Failure(fmt::format("tensor {} is missing", name));
        return std::nullopt;
      }
      data = tensor->data.data();
      return layout_of(name, *tensor);
    };
    const void* rstd = nullptr;
    const void* mean = nullptr;
    if (choices.no_x2 && file.find("x2") != nullptr) throw Failure("it has a tensor x2, but --no-x2 is given");
    if (!choices.no_x2 && file.find("dy") != nullptr && file.find("x2") == nullptr) {
      throw Failure("tensor x2 is missing (--no-x2 asks for the backward of a LayerNorm of x1 alone)");
    }
    description.dy = *take("dy", arguments.dy, true);
    description.x1 = *take("x1", arguments.x1, true);
    description.x2 = take("x2", arguments.x2, false);
    description.rstd = *take("rstd", rstd, true);
    description.mean = *take("mean", mean, true);
    description.gamma = take("gamma", arguments.gamma, false);
    description.dsum = take("dsum", arguments.dsum, false);
    arguments.rstd = static_cast<const float*>(rstd);
    arguments.mean = static_cast<const float*>(mean);
  } catch (const Failure& failure) {
    throw Failure(fmt::format("{}: {}", file.name(), failure.what()));
  }
  // Judged once to learn how many dimensions are normalised, which the shapes of the outputs depend on.
  const Problem inputs = create(description, file.name());
  description.normalized_dims = inputs.description().normalized_dims;
  const std::span shape(description.dy.shape.data(), static_cast<std::size_t>(description.dy.rank));
  description.dx = TensorLayout::contiguous(description.dy.dtype, shape);
  description.dgamma = TensorLayout::contiguous(DType::float32, trailing_shape(inputs));
  description.dbeta = description.dgamma;
  const Problem problem = create(description, file.name());
  return {std::move(file), problem, arguments};
}

std::vector<OutputTensor> output_tensors(const Problem& problem) {
  const TensorLayout& dy = problem.description().dy;
  const auto trailing = trailing_shape(problem);
  const std::vector<std::int64_t> columns(trailing.begin(), trailing.end());
  return {{"dx", dy.dtype, {dy.shape.begin(), dy.shape.begin() + dy.rank}},
          {"dgamma", DType::float32, columns},
          {"dbeta", DType::float32, columns}};
}

std::string shape_text(const TensorLayout& layout) {
  return fmt::format("{}", fmt::join(layout.shape.begin(), layout.shape.begin() + layout.rank, "x"));
}

}  // namespace alng::cli
