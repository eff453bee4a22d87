// Options that several commands share, and the way results are printed.
#ifndef ALNG_TOOLS_OPTIONS_H
#define ALNG_TOOLS_OPTIONS_H

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "alng/alng.hpp"
#include "problem_file.h"

namespace alng::cli {

struct ProblemOptions {
  std::string input;
  ProblemChoices choices;
};
/// IN, --normalized-dims, --no-x2.
void add_problem_options(CLI::App& command, ProblemOptions& options);

/// --threads, --isa, --device.
void add_plan_options(CLI::App& command, PlanOptions& options);

/// --json.
void add_json_option(CLI::App& command, bool& json);

/// fp32, fp16 or bf16, or what else those are called; `option` is the one it was given to. Throws `Failure` for
/// another.
DType parse_dtype(const char* option, const std::string& name);

/// Throws `Failure` with the library's sentence where there is no plan.
Plan make_plan(const Problem& problem, const PlanOptions& options);

/// Lines of a name and a value (of one or more lines), the values under each other.
void print_fields(const std::vector<std::pair<std::string, std::string>>& fields);
void print_json(const nlohmann::ordered_json& json);
/// Throws `Failure` where not all that was printed has left for stdout. What is to be told of a file that has no name
/// yet is printed and this called first: a command that fails leaves no file.
void finish_report();

/// Tensors of the file that no command looks at, and lines about those that may be an absent one under another name.
std::string unused_tensors(const TensorFile& file);

}  // namespace alng::cli

#endif
