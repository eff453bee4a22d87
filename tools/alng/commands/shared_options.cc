#include "commands/shared_options.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "terminal/failure.h"

namespace alng::cli {

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
template std::string read_number<int>(std::string&);
template std::string read_number<std::uint64_t>(std::string&);
template std::string read_number<float>(std::string&);
template std::string read_number<double>(std::string&);

void add_problem_options(CLI::App& command, ProblemOptions& options, const std::string& tensors) {
  command
      .add_option("IN", options.input,
                  fmt::format("A .safetensors file, or a folder of .npy files, with the tensors {}. In .npy files "
                              "bfloat16 is '<V2', or '<u2' with a file NAME.dtype that says bfloat16.",
                              tensors))
      ->required();
  add_number<int>(command, "--normalized-dims", options.choices.normalized_dims,
                  "How many of the last dimensions are normalised. Needed where no tensor of fewer dimensions tells.");
  command.add_flag("--no-x2", options.choices.no_x2, "IN has no x2: the LayerNorm of x1 alone.");
  command.add_option("--prefix", options.choices.prefix,
                     "What stands before the names in IN, also before those of --rename, as in model.layers.0.");
  command
      .add_option(
          "--rename", options.choices.renames,
          "A tensor and the name it has in IN, as in dy=grad_output. May be repeated. The tensor must be there.")
      ->expected(1)
      ->take_all();
}

void add_statistics_option(CLI::App& command, ProblemChoices& choices) {
  command.add_option("--statistics", choices.statistics,
                     "A file that `alng forward` wrote: mean and rstd are taken from there instead of IN.");
}

void add_forward_options(CLI::App& command, ProblemChoices& choices, CLI::Option* only_with, const char* default_eps) {
  CLI::Option* const options[] = {
      add_number<float>(
          command, "--eps", choices.eps,
          fmt::format("What the forward adds to the variance: finite, at least 0. Default: {}.", default_eps)),
      command.add_flag(
          "--round-sum", choices.round_sum,
          "Round x1 + x2 to the dtype of x1 before the forward computes anything from it, as frameworks do "
          "that store the sum.")};
  for (CLI::Option* const option : options) {
    if (only_with != nullptr) option->needs(only_with);
  }
}

void add_plan_options(CLI::App& command, PlanOptions& options) {
  add_number<int>(command, "--threads", options.threads,
                  "The most threads to use; 0: as many as there are processors.");
  command.add_option("--isa", options.isa,
                     "The instruction set, as `alng info` lists them. Default: $ALNG_ISA or the best.");
  command.add_option("--device", options.device,
                     "cpu, reference, cuda:0 and so on, as `alng info` lists them, or cuda. Default: the CPU.");
}

void add_json_option(CLI::App& command, bool& json) { command.add_flag("--json", json, "Print JSON instead of text."); }

DType parse_dtype(const char* option, const std::string& name) {
  if (name == "fp32" || name == "f32" || name == "float32") return DType::float32;
  if (name == "fp16" || name == "f16" || name == "float16") return DType::float16;
  if (name == "bf16" || name == "bfloat16") return DType::bfloat16;
  throw Failure(fmt::format("{} is \"{}\" but must be fp32, fp16 or bf16", option, name));
}

}  // namespace alng::cli
