#include "commands/shared_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "terminal/failure.h"

namespace alng::cli {
namespace {

// Puts the value as `Number` writes it, or says what is wrong with it.
template <class Number>
std::string read_number(std::string& text) {
  if (text.empty()) return "";  // refused for that
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && rest == end && std::isfinite(value)) {
    text = fmt::format("{}", value);
    return "";
  }
  using Limits = std::numeric_limits<Number>;
  const std::string expected = Limits::is_integer
                                   ? fmt::format("a whole number from {} to {}", Limits::min(), Limits::max())
                                   : fmt::format("a finite number that float{} holds", 8 * sizeof(Number));
  return fmt::format("the value is \"{}\" but must be {}", text, expected);
}

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& help, std::function<void()> work) {
  CLI::App& command = *app.add_subcommand(name, help);
  command.callback(std::move(work));
  return command;
}

CLI::Option* add_flag(CLI::App& command, const std::string& name, bool& value, const std::string& help,
                      CLI::Option* not_with) {
  CLI::Option* const option = command.add_flag(name, value, help);
  if (not_with != nullptr) option->excludes(not_with);
  return option;
}

void add_text(CLI::App& command, const std::string& name, std::string& value, const std::string& help) {
  command.add_option(name, value, help);
}

void add_required_text(CLI::App& command, const std::string& name, std::string& value, const std::string& help) {
  command.add_option(name, value, help)->required();
}

template <class Number, class Target>
CLI::Option* add_number(CLI::App& command, const std::string& name, Target& value, const std::string& help) {
  return command.add_option(name, value, help)->transform(CLI::Validator(read_number<Number>, ""));
}
template CLI::Option* add_number<int>(CLI::App&, const std::string&, int&, const std::string&);
template CLI::Option* add_number<std::uint64_t>(CLI::App&, const std::string&, std::uint64_t&, const std::string&);
template CLI::Option* add_number<double>(CLI::App&, const std::string&, double&, const std::string&);

void add_problem_options(CLI::App& command, ProblemOptions& options, const std::string& tensors) {
  add_required_text(command, "IN", options.input,
                    fmt::format("A .safetensors file, or a folder of .npy files, with the tensors {}. In .npy files "
                                "bfloat16 is '<V2', or '<u2' with a file NAME.dtype that says bfloat16.",
                                tensors));
  add_number<int>(command, "--normalized-dims", options.choices.normalized_dims,
                  "How many of the last dimensions are normalised. Needed where no tensor of fewer dimensions tells.");
  add_flag(command, "--no-x2", options.choices.no_x2, "IN has no x2: the LayerNorm of x1 alone.");
  add_text(command, "--prefix", options.choices.prefix,
           "What stands before the names in IN, also before those of --rename, as in model.layers.0.");
  command
      .add_option(
          "--rename", options.choices.renames,
          "A tensor and the name it has in IN, as in dy=grad_output. May be repeated. The tensor must be there.")
      ->expected(1)
      ->take_all();
}

void add_statistics_option(CLI::App& command, ProblemChoices& choices) {
  add_text(command, "--statistics", choices.statistics,
           "A file that `alng forward` wrote: mean and rstd are taken from there instead of IN.");
}

void add_forward_options(CLI::App& command, ProblemChoices& choices, CLI::Option* only_with, const char* default_eps) {
  CLI::Option* const options[] = {
      add_number<float>(
          command, "--eps", choices.eps,
          fmt::format("What the forward adds to the variance: finite, at least 0. Default: {}.", default_eps)),
      add_flag(command, "--round-sum", choices.round_sum,
               "Round x1 + x2 to the dtype of x1 before the forward computes anything from it, as frameworks do "
               "that store the sum.")};
  for (CLI::Option* const option : options) {
    if (only_with != nullptr) option->needs(only_with);
  }
}

void add_plan_options(CLI::App& command, PlanOptions& options) {
  add_number<int>(command, "--threads", options.threads,
                  "The most threads to use; 0: as many as there are processors.");
  add_text(command, "--isa", options.isa,
           "The instruction set, as `alng info` lists them. Default: $ALNG_ISA or the best.");
  add_text(command, "--device", options.device,
           "cpu, reference, cuda:0 and so on, as `alng info` lists them, or cuda. Default: the CPU.");
}

void add_json_option(CLI::App& command, bool& json) {
  add_flag(command, "--json", json, "Print JSON instead of text.");
}

DType parse_dtype(const char* option, const std::string& name) {
  if (name == "fp32" || name == "f32" || name == "float32") return DType::float32;
  if (name == "fp16" || name == "f16" || name == "float16") return DType::float16;
  if (name == "bf16" || name == "bfloat16") return DType::bfloat16;
  throw Failure(fmt::format("{} is \"{}\" but must be fp32, fp16 or bf16", option, name));
}

}  // namespace alng::cli
