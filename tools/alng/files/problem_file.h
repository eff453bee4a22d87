// A problem as it lies in a file: tensors named dy, x1, x2, rstd, mean, gamma, dsum.
#ifndef ALNG_TOOLS_PROBLEM_FILE_H
#define ALNG_TOOLS_PROBLEM_FILE_H

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "alng/alng.hpp"
#include "files/output_file.h"
#include "files/tensor_file.h"

namespace alng::cli {

/// The inputs of the operator come first in its table, then what it computes.
inline constexpr std::size_t input_count = grad::dx;
inline constexpr std::size_t result_count = grad::count - input_count;

/// The names in OUT, in the order in which `output_tensors` lists them.
inline constexpr std::array<std::string_view, result_count> result_tensors = [] {
  std::array<std::string_view, result_count> names;
  for (std::size_t i = 0; i < result_count; ++i) names[i] = grad::operands[input_count + i].name;
  return names;
}();

/// The names that mean something in IN; whatever else a file holds is left alone. expected_* are results of somebody
/// else, for `verify`.
inline constexpr std::array<std::string_view, grad::count> problem_tensors = [] {
  std::array<std::string_view, grad::count> names{
      "", "", "", "", "", "", "", "expected_dx", "expected_dgamma", "expected_dbeta"};
  for (std::size_t i = 0; i < input_count; ++i) names[i] = grad::operands[i].name;
  return names;
}();

/// The dtypes a problem may have, for sentences.
inline constexpr std::string_view any_dtype = "float32, float16 or bfloat16";

/// What a file can't say by itself.
struct ProblemChoices {
  /// As in `GradDescription`.
  int normalized_dims = 0;
  /// The file has no x2 and shall have none: the backward of a plain LayerNorm. Without this its absence is an error,
  /// because a misspelt name would otherwise give wrong results.
  bool no_x2 = false;
  /// As `TensorNames` takes them.
  std::string prefix;
  std::vector<std::string> renames;
};

/// A valid problem that wants all three outputs, dense, and where its inputs are: in memory once `file` is loaded.
struct ProblemFile {
  TensorFile file;
  GradProblem problem;
  /// Only the inputs are set.
  GradArguments arguments;
};

ProblemFile load_problem(const std::filesystem::path& path, const ProblemChoices& choices);

/// dx, dgamma and dbeta of this problem, as they go to a file.
std::vector<OutputTensor> output_tensors(const GradProblem& problem);

/// The layout of a file's tensor. Throws `Failure` where its dtype or rank is none of the library's; the sentence says
/// which dtypes it may have.
TensorLayout layout_of(std::string_view name, const FileTensor& tensor, std::string_view dtypes);

/// dy's shape in the way `--shape` takes it: "64x128x768".
std::string shape_text(const TensorLayout& layout);

/// Tensors of the file that no command reads, and a line for each absent one that may be there under another name.
std::string unused_tensors(const TensorFile& file);

}  // namespace alng::cli

#endif
