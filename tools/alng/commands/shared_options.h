// Options that several commands share.
#ifndef ALNG_TOOLS_SHARED_OPTIONS_H
#define ALNG_TOOLS_SHARED_OPTIONS_H

#include <CLI/CLI.hpp>
#include <string>

#include "alng/alng.hpp"
#include "files/problem_file.h"

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

}  // namespace alng::cli

#endif
