#include "files/problem_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <utility>

namespace alng::cli {
namespace {

// The names of both operators, which may share a file.
bool means_something(const TensorFile& file, std::string_view name) {
  const auto is_name = [&](std::string_view known) { return file.names().in_file(known) == name; };
  return std::ranges::any_of(problem_tensors<Grad>, is_name) || std::ranges::any_of(problem_tensors<Forward>, is_name);
}

template <class Operator>
ProblemOf<Operator> create(const typename Operator::Description& description, const std::string& file) {
  Result<ProblemOf<Operator>> problem = ProblemOf<Operator>::create(description);
  if (!problem) throw Failure(fmt::format("{}: {}", file, problem.status().message()));
  return std::move(problem).value();
}

void set_options(GradDescription&, const ProblemChoices&) {}
void set_options(ForwardDescription& description, const ProblemChoices& choices) {
  description.eps = choices.eps.value_or(description.eps);
  description.round_sum = choices.round_sum;
}

// The sentence for a missing tensor lists the names that are there, likely ones first.
[[noreturn]] void missing(const TensorFile& file, std::span<const std::string_view> known, std::string_view name,
                          std::string_view hint) {
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
  if (!near.empty()) there += "; " + advice(name, near[0], file.names().prefix(), known, all);
  throw Failure(fmt::format("tensor {} is missing{}; there are {}", what, hint, there));
}

// The dtypes that the tensor may have, for sentences. The table's first one is known for all others.
template <class Operator>
std::string dtypes_of(std::size_t place, const typename Operator::Description& description) {
  const Type type = operands_of<Operator>[place].type;
  if (place == 0) return std::string(any_dtype);
  if (type == Type::float32) return "float32";
  const std::string own = dtype_name(layout_at(description, 0)->dtype);
  std::string text = fmt::format("{}, the dtype of {}", own, operands_of<Operator>[0].name);
  if (type == Type::T_or_float32) return own == "float32" ? own : text + ", or float32";
  return text;
}

template <class Operator>
constexpr std::string_view without_x2 = " (--no-x2 asks for the LayerNorm of x1 alone)";
template <>
constexpr std::string_view without_x2<Grad> = " (--no-x2 asks for the backward of a LayerNorm of x1 alone)";

}  // namespace

std::vector<std::string_view> both(std::span<const std::string_view> some, std::span<const std::string_view> others) {
  std::vector<std::string_view> names(some.begin(), some.end());
  std::ranges::copy_if(others, std::back_inserter(names),
                       [&](std::string_view name) { return std::ranges::find(some, name) == some.end(); });
  return names;
}

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

TensorFile open_problem(const std::filesystem::path& path, std::span<const std::string_view> known,
                        const ProblemChoices& choices) {
  TensorFile file(path, known, TensorNames(known, choices.prefix, choices.renames));
  try {
    for (const std::string_view name : known) {
      if (file.names().is_renamed(name) && file.find(name) == nullptr) missing(file, known, name, "");
    }
  } catch (const Failure& failure) {
    throw Failure(fmt::format("{}: {}", file.name(), failure.what()));
  }
  if (!choices.statistics.empty()) file.take(std::array<std::string_view, 2>{"mean", "rstd"}, choices.statistics);
  return file;
}

template <class Operator>
FileProblem<Operator> find_problem(const TensorFile& file, const ProblemChoices& choices) {
  typename Operator::Description description;
  typename Operator::Arguments arguments;
  description.normalized_dims = choices.normalized_dims;
  set_options(description, choices);
  try {
    for (std::size_t place = 0; place < input_count<Operator>; ++place) {
      const std::string_view name = operands_of<Operator>[place].name;
      const FileTensor* const tensor = file.find(name);
      if (tensor == nullptr) {
        if (operands_of<Operator>[place].presence == Presence::required) {
          missing(file, problem_tensors<Operator>, name, "");
        }
        if (name == "x2" && !choices.no_x2) missing(file, problem_tensors<Operator>, name, without_x2<Operator>);
        continue;
      }
      if (name == "x2" && choices.no_x2) throw Failure("it has a tensor x2, but --no-x2 is given");
      give_layout(description, place, layout_of(name, *tensor, dtypes_of<Operator>(place, description)));
      give_pointer(arguments, place, tensor->data.data());
    }
  } catch (const Failure& failure) {
    throw Failure(fmt::format("{}: {}", file.name(), failure.what()));
  }
  // Judged once to learn how many dimensions are normalised, which the shapes of the outputs depend on.
  const ProblemOf<Operator> inputs = create<Operator>(description, file.name());
  description.normalized_dims = inputs.description().normalized_dims;
  const std::vector<OutputTensor> outputs = output_tensors(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    give_layout(description, input_count<Operator> + i, TensorLayout::contiguous(outputs[i].dtype, outputs[i].shape));
  }
  return {create<Operator>(description, file.name()), arguments};
}

template <class Operator>
std::vector<OutputTensor> output_tensors(const ProblemOf<Operator>& problem) {
  const TensorLayout& first = *layout_at(problem.description(), 0);
  const std::vector<std::int64_t> elements(first.shape.begin(), first.shape.begin() + first.rank);
  const auto leading = elements.end() - problem.description().normalized_dims;
  const std::vector<std::int64_t> columns(leading, elements.end());
  std::vector<std::int64_t> rows(elements.begin(), leading);
  rows.resize(elements.size(), 1);
  std::vector<OutputTensor> outputs;
  for (std::size_t place = input_count<Operator>; place < operands_of<Operator>.size(); ++place) {
    const Operand& operand = operands_of<Operator>[place];
    outputs.push_back({operand.name, operand.type == Type::float32 ? DType::float32 : first.dtype,
                       operand.role == Role::element  ? elements
                       : operand.role == Role::column ? columns
                                                      : rows});
  }
  return outputs;
}

std::string shape_text(const TensorLayout& layout) {
  return fmt::format("{}", fmt::join(layout.shape.begin(), layout.shape.begin() + layout.rank, "x"));
}

template <class Operator>
std::string unused_tensors(const TensorFile& file) {
  std::vector<std::string> unused = file.unused_names();
  std::erase_if(unused, [&](const std::string& name) { return means_something(file, name); });
  if (unused.empty()) return {};
  std::string text = list_names(unused);
  for (const Operand& operand : operands_of<Operator>) {
    if (operand.direction != Direction::input || operand.presence != Presence::optional) continue;
    if (file.find(operand.name) != nullptr) continue;
    const std::vector<std::string> near = near_names(operand.name, unused);
    if (near.empty()) continue;
    text +=
        fmt::format("\n{} is absent; {}", operand.name,
                    advice(operand.name, near[0], file.names().prefix(), problem_tensors<Operator>, file.all_names()));
  }
  return text;
}

template FileProblem<Forward> find_problem<Forward>(const TensorFile&, const ProblemChoices&);
template FileProblem<Grad> find_problem<Grad>(const TensorFile&, const ProblemChoices&);
template std::vector<OutputTensor> output_tensors(const ForwardProblem&);
template std::vector<OutputTensor> output_tensors(const GradProblem&);
template std::string unused_tensors<Forward>(const TensorFile&);
template std::string unused_tensors<Grad>(const TensorFile&);

}  // namespace alng::cli
