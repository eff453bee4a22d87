// A problem of either operator as it lies in a file, its tensors under the names of the operator's table.
#ifndef ALNG_TOOLS_PROBLEM_FILE_H
#define ALNG_TOOLS_PROBLEM_FILE_H

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alng/alng.hpp"
#include "files/output_file.h"
#include "files/tensor_file.h"

namespace alng::cli {

using c_structs::Forward;
using c_structs::Grad;

/// The inputs of an operator come first in its table, then what it computes.
template <class Operator>
inline constexpr const auto& operands_of = Operator::Description::Table::operands;
template <class Operator>
inline constexpr std::size_t input_count =
    static_cast<std::size_t>(std::ranges::count(operands_of<Operator>, Direction::input, &Operand::direction));
template <class Operator>
inline constexpr std::size_t result_count = operands_of<Operator>.size() - input_count<Operator>;

/// The names in OUT, in the order in which `output_tensors` lists them.
template <class Operator>
inline constexpr auto result_tensors = [] {
  std::array<std::string_view, result_count<Operator>> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = operands_of<Operator>[input_count<Operator> + i].name;
  return names;
}();

/// Results of somebody else, in the same order, for `verify`.
template <class Operator>
inline constexpr std::array<std::string_view, result_count<Operator>> expected_tensors;
template <>
inline constexpr std::array<std::string_view, 3> expected_tensors<Grad>{"expected_dx", "expected_dgamma",
                                                                        "expected_dbeta"};
template <>
inline constexpr std::array<std::string_view, 4> expected_tensors<Forward>{"expected_y", "expected_mean",
                                                                           "expected_rstd", "expected_x"};

/// The names that mean something in IN; whatever else a file holds is left alone.
template <class Operator>
inline constexpr auto problem_tensors = [] {
  std::array<std::string_view, operands_of<Operator>.size()> names;
  for (std::size_t i = 0; i < input_count<Operator>; ++i) names[i] = operands_of<Operator>[i].name;
  std::ranges::copy(expected_tensors<Operator>, names.begin() + input_count<Operator>);
  return names;
}();

/// The names of both operators, each once.
std::vector<std::string_view> both(std::span<const std::string_view> some, std::span<const std::string_view> others);

/// The dtypes a problem may have, for sentences.
inline constexpr std::string_view any_dtype = "float32, float16 or bfloat16";

/// What a file can't say by itself.
struct ProblemChoices {
  /// As in the descriptions.
  int normalized_dims = 0;
  /// The file has no x2 and shall have none: a plain LayerNorm. Without this its absence is an error, because a
  /// misspelt name would otherwise give wrong results.
  bool no_x2 = false;
  /// As `TensorNames` takes them.
  std::string prefix;
  std::vector<std::string> renames;
  /// A file that `alng forward` wrote, for mean and rstd; empty: they are in the problem's own.
  std::string statistics;
  /// Of the forward, as in `ForwardDescription`.
  std::optional<float> eps;
  bool round_sum = false;
};

/// A valid problem that wants all outputs, dense, and where its inputs are: in memory once the file is loaded.
template <class Operator>
struct FileProblem {
  ProblemOf<Operator> problem;
  /// Only the inputs are set.
  typename Operator::Arguments arguments;
};

/// The tensors of `known` in a file. Throws `Failure` where one that was renamed is not there.
TensorFile open_problem(const std::filesystem::path& path, std::span<const std::string_view> known,
                        const ProblemChoices& choices);

/// Finds and judges the problem in a file that was opened with all of its names.
template <class Operator>
FileProblem<Operator> find_problem(const TensorFile& file, const ProblemChoices& choices);

/// Both, for who reads one operator's problem alone.
template <class Operator>
struct ProblemFile : FileProblem<Operator> {
  TensorFile file;
};
template <class Operator>
ProblemFile<Operator> load_problem(const std::filesystem::path& path, const ProblemChoices& choices) {
  TensorFile file = open_problem(path, problem_tensors<Operator>, choices);
  FileProblem<Operator> found = find_problem<Operator>(file, choices);
  return {std::move(found), std::move(file)};
}

/// The results of this problem, as they go to a file.
template <class Operator>
std::vector<OutputTensor> output_tensors(const ProblemOf<Operator>& problem);

/// The layout of a file's tensor. Throws `Failure` where its dtype or rank is none of the library's; the sentence says
/// which dtypes it may have.
TensorLayout layout_of(std::string_view name, const FileTensor& tensor, std::string_view dtypes);

/// A shape in the way `--shape` takes it: "64x128x768".
std::string shape_text(const TensorLayout& layout);

/// Tensors of the file that mean nothing to either operator, and a line for each absent one of this operator's that may
/// be there under another name.
template <class Operator>
std::string unused_tensors(const TensorFile& file);

}  // namespace alng::cli

#endif
