#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <memory>

#include "commands/commands.h"
#include "commands/generated_problem.h"
#include "commands/shared_options.h"
#include "terminal/progress.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

struct MakeOptions {
  GeneratedProblem problem;
  std::string output;
  std::string shape;
  std::string dtype;
  std::string gamma_dtype;
  bool no_gamma = false;
  bool no_beta = false;
  bool no_dsum = false;
  bool no_x2 = false;
  bool json = false;
};

// "64x128x768"
std::vector<std::int64_t> parse_shape(const std::string& text) {
  const Failure refusal(fmt::format(
      "--shape is \"{}\" but must be 1 to {} whole numbers from 0 on, joined by x, as in 64x128x768", text, max_rank));
  std::vector<std::int64_t> shape;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int64_t extent = 0;
    const auto [next, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || extent < 0 || shape.size() == max_rank) throw refusal;
    shape.push_back(extent);
    if (next == end) return shape;
    if (*next != 'x') throw refusal;
    at = next + 1;
  }
}

void print_report(const MakeOptions& options, const GeneratedStatistics& statistics) {
  const GeneratedProblem& problem = options.problem;
  const auto number = [](double value) {
    return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json();
  };
  if (options.json) {
    print_json({{"output", options.output},
                {"shape", problem.shape},
                {"dtype", dtype_name(problem.dtype)},
                {"normalized_dims", problem.normalized_dims},
                {"seed", problem.seed},
                {"mean_over_std", number(statistics.mean_over_std)}});
    return;
  }
  print_fields({{"output", options.output},
                {"shape", fmt::format("{}, {} normalised", options.shape, problem.normalized_dims)},
                {"dtype", dtype_name(problem.dtype)},
                {"seed", std::to_string(problem.seed)},
                {"mean/std", fmt::format("{:.4g} (average over rows)", statistics.mean_over_std)}});
}

void make(MakeOptions options) {
  GeneratedProblem& problem = options.problem;
  problem.shape = parse_shape(options.shape);
  problem.dtype = parse_dtype("--dtype", options.dtype);
  if (options.no_gamma && !options.gamma_dtype.empty())
    throw Failure("--gamma-dtype is given together with --no-gamma");
  if (!options.no_gamma) {
    problem.gamma = options.gamma_dtype.empty() ? problem.dtype : parse_dtype("--gamma-dtype", options.gamma_dtype);
  }
  if (!options.no_beta) problem.beta = problem.gamma.value_or(problem.dtype);
  problem.dsum = !options.no_dsum;
  problem.x2 = !options.no_x2;
  const auto rank = static_cast<int>(problem.shape.size());
  if (problem.normalized_dims < 1 || problem.normalized_dims > rank) {
    throw Failure(
        fmt::format("--normalized-dims is {} but must be 1 to {}, the rank of --shape", problem.normalized_dims, rank));
  }
  generate(problem, options.output, [&options](const GeneratedStatistics& statistics) {
    print_report(options, statistics);
    finish_report();
  });
}

}  // namespace

void add_make(CLI::App& app, int&) {
  const auto options = std::make_shared<MakeOptions>();
  CLI::App& command = add_command(app, "make",
                                  "Make a problem of random numbers for both operators, with mean and rstd "
                                  "from the forward (eps 1e-5). The same options give the same bytes on "
                                  "every machine.",
                                  [options] { make(*options); });
  add_required_text(command, "-o,--output", options->output,
                    "A name that ends in .safetensors, or a folder for .npy files.");
  add_required_text(command, "--shape", options->shape, "The shape of dy and x1, as in 64x128x768.");
  add_required_text(command, "--dtype", options->dtype, "fp32, fp16 or bf16.");
  add_text(command, "--gamma-dtype", options->gamma_dtype,
           "Of gamma and beta: fp32, or that of --dtype, which is the default.");
  add_number<int>(command, "--normalized-dims", options->problem.normalized_dims,
                  "How many of the last dimensions are normalised (1).");
  add_flag(command, "--no-gamma", options->no_gamma, "Without gamma.");
  add_flag(command, "--no-beta", options->no_beta, "Without beta, which the forward alone reads.");
  add_flag(command, "--no-dsum", options->no_dsum, "Without dsum.");
  add_flag(command, "--no-x2", options->no_x2, "Without x2: the LayerNorm of x1 alone.");
  add_number<std::uint64_t>(command, "--seed", options->problem.seed, "Another seed, other numbers (0).");
  add_number<double>(
      command, "--mean-over-std", options->problem.mean_over_std,
      "Shift x1 so that mean/std of x1 + x2 is about this. Where the dtype has no room for variation beside the "
      "shift, x1 is the shift alone and x2 varies.");
  add_json_option(command, options->json);
}

}  // namespace alng::cli
