#include "options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

namespace alng::cli {

void add_problem_options(CLI::App& command, ProblemOptions& options) {
  command
      .add_option(
          "IN", options.input,
          "A .safetensors file, or a folder of .npy files, with the tensors dy, x1, x2, rstd, mean and optionally "
          "gamma, dsum. In .npy files bfloat16 is '<V2', or '<u2' with a file NAME.dtype that says bfloat16.")
      ->required();
  command.add_option(
      "--normalized-dims", options.choices.normalized_dims,
      "How many of dy's last dimensions are normalised. Needed where neither gamma nor rstd's shape tells.");
  command.add_flag("--no-x2", options.choices.no_x2, "IN has no x2: the backward of a LayerNorm of x1 alone.");
  command.add_option("--prefix", options.choices.prefix,
                     "What stands before the names in IN, also before those of --rename, as in model.layers.0.");
  command
      .add_option(
          "--rename", options.choices.renames,
          "A tensor and the name it has in IN, as in dy=grad_output. May be repeated. The tensor must be there.")
      ->expected(1)
      ->take_all();
}

void add_plan_options(CLI::App& command, PlanOptions& options) {
  command.add_option("--threads", options.threads, "The most threads to use; 0: as many as there are processors.");
  command.add_option("--isa", options.isa,
                     "The instruction set, as `alng info` lists them. Default: $ALNG_ISA or the best.");
  command.add_option("--device", options.device, "cpu or reference, as `alng info` lists them. Default: the best.");
}

void add_json_option(CLI::App& command, bool& json) { command.add_flag("--json", json, "Print JSON instead of text."); }

DType parse_dtype(const char* option, const std::string& name) {
  if (name == "fp32" || name == "f32" || name == "float32") return DType::float32;
  if (name == "fp16" || name == "f16" || name == "float16") return DType::float16;
  if (name == "bf16" || name == "bfloat16") return DType::bfloat16;
  throw Failure(fmt::format("{} is \"{}\" but must be fp32, fp16 or bf16", option, name));
}

Plan make_plan(const Problem& problem, const PlanOptions& options) {
  Result<Plan> plan = Plan::create(problem, options);
  if (!plan) throw Failure(plan.status().message());
  return std::move(plan).value();
}

void print_fields(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::size_t width = 0;
  for (const auto& [name, value] : fields) width = std::max(width, name.size());
  for (const auto& [name, value] : fields) {
    std::istringstream lines(value);
    std::string line;
    for (bool first = true; std::getline(lines, line); first = false) {
      fmt::print("{:<{}}  {}\n", first ? name : "", width, line);
    }
  }
}

void print_json(const nlohmann::ordered_json& json) {
  // A file's name may be no UTF-8; JSON must be.
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void finish_report() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw Failure(fmt::format("can't write stdout: {}", std::strerror(errno)));
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
