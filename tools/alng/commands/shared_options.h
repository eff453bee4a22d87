// How the commands ask for options, and the options that several share.
#ifndef ALNG_TOOLS_SHARED_OPTIONS_H
#define ALNG_TOOLS_SHARED_OPTIONS_H

#include <functional>
#include <string>

#include "alng/alng.hpp"
#include "files/problem_file.h"

// CLI11 compiles for six seconds, so a command that makes do with the functions below does not include it.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace alng::cli {

/// A subcommand; `work` is called once the command line is read.
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& help, std::function<void()> work);

/// An option without a value, refused beside the option `not_with`.
CLI::Option* add_flag(CLI::App& command, const std::string& name, bool& value, const std::string& help,
                      CLI::Option* not_with = nullptr);

/// An option, or without dashes an argument, that takes any text but an empty one.
void add_text(CLI::App& command, const std::string& name, std::string& value, const std::string& help);
/// One that must be given.
void add_required_text(CLI::App& command, const std::string& name, std::string& value, const std::string& help);

/// An option that takes a decimal number; one that its type can't hold is refused. CLI11 itself takes 010 for 8, -1 for
/// the largest number without a sign, and what is too large or too small for the largest or 0.
template <class Number, class Target = Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, Target& value, const std::string& help);

struct ProblemOptions {
  std::string input;
  ProblemChoices choices;
};
/// The tensors of IN, for `add_problem_options`.
inline constexpr const char* grad_tensors = "dy, x1, x2, rstd, mean and optionally gamma, dsum";
inline constexpr const char* forward_tensors = "x1, x2 and optionally gamma, beta";

/// IN, --normalized-dims, --no-x2, --prefix, --rename.
void add_problem_options(CLI::App& command, ProblemOptions& options, const std::string& tensors);

/// --statistics.
void add_statistics_option(CLI::App& command, ProblemChoices& choices);

/// --eps, --round-sum; where the option `only_with` is given, they are refused without it.
void add_forward_options(CLI::App& command, ProblemChoices& choices, CLI::Option* only_with = nullptr,
                         const char* default_eps = "1e-5");

/// --threads, --isa, --device.
void add_plan_options(CLI::App& command, PlanOptions& options);

/// --json.
void add_json_option(CLI::App& command, bool& json);

/// fp32, fp16 or bf16, or what else those are called; `option` is the one it was given to. Throws `Failure` for
/// another.
DType parse_dtype(const char* option, const std::string& name);

}  // namespace alng::cli

#endif
