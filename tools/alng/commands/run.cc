#include <fmt/format.h>

#include <memory>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "files/output_file.h"
#include "judge/computation.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

struct RunOptions {
  ProblemOptions problem;
  PlanOptions plan;
  std::string output;
  bool json = false;
};

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.1f} us", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.3f} s", seconds);
}

// What is read may lie anywhere: in IN, in the file of --statistics, behind a link.
template <class Operator>
void refuse_to_overwrite(const TensorFile& input, const RunOptions& options) {
  std::vector<std::filesystem::path> written{options.output};
  for (const std::string_view result : result_tensors<Operator>) {
    written.push_back(written[0] / fmt::format("{}.npy", result));
  }
  for (const std::filesystem::path& file : written) {
    if (!input.reads(file)) continue;
    throw Failure(fmt::format("OUT is IN{}: {} would be overwritten",
                              options.problem.choices.statistics.empty() ? "" : " or the file of --statistics",
                              file.string()));
  }
}

template <class Operator>
void print_report(const RunOptions& options, const ProblemFile<Operator>& input, const PlanOf<Operator>& plan,
                  const Computation& computed) {
  const bool warm = computed.warm_seconds > 0;
  const double seconds = warm ? computed.warm_seconds : computed.first_seconds;
  const auto bytes = static_cast<double>(input.problem.bytes());
  const TensorLayout& first = *layout_at(input.problem.description(), 0);
  const double speed = seconds > 0 ? bytes / seconds * 1e-9 : 0;
  const std::string unused = unused_tensors<Operator>(input.file);
  if (options.json) {
    print_json({{"shape", std::vector<std::int64_t>(first.shape.begin(), first.shape.begin() + first.rank)},
                {"rows", input.problem.rows()},
                {"columns", input.problem.columns()},
                {"dtype", dtype_name(input.problem.dtype())},
                {"problem", input.problem.to_string()},
                {"device", plan.device()},
                {"isa", plan.isa()},
                {"threads", plan.threads()},
                {"workspace_bytes", plan.workspace_size()},
                {"plan", plan.explain()},
                {"timed_run", warm ? "second" : "first"},
                {"seconds", seconds},
                {"first_run_seconds", computed.first_seconds},
                {"bytes", input.problem.bytes()},
                {"gb_per_s", speed},
                {"not_used", unused},
                {"output", options.output}});
    return;
  }
  std::vector<std::pair<std::string, std::string>> fields{
      {"shape", shape_text(first)}, {"dtype", dtype_name(input.problem.dtype())}, {"plan", plan.explain()}};
  if (warm) {
    fields.emplace_back("time", fmt::format("{} (a second run, memory already touched; the first took {})",
                                            time_text(seconds), time_text(computed.first_seconds)));
  } else {
    fields.emplace_back("time", fmt::format("{} (the first and only run)", time_text(seconds)));
  }
  fields.emplace_back("speed",
                      fmt::format("{:.2f} GB/s, {:.2f} MB that must cross memory at least once", speed, bytes * 1e-6));
  if (!unused.empty()) fields.emplace_back("not used", unused);
  fields.emplace_back("output", options.output);
  print_fields(fields);
}

template <class Operator>
void run(const RunOptions& options) {
  const ProblemFile<Operator> input = load_problem<Operator>(options.problem.input, options.problem.choices);
  refuse_to_overwrite<Operator>(input.file, options);
  const auto plan = or_fail(PlanOf<Operator>::create(input.problem, options.plan));
  // Before the work, so that a place that can't be written is known at once.
  OutputFile output(options.output, output_tensors(input.problem));
  input.file.load();
  const Computation computed = compute(plan, input.arguments, true);
  for (std::size_t i = 0; i < computed.outputs.size(); ++i) output.write(i, 0, computed.outputs[i].bytes());
  output.finish();
  print_report(options, input, plan, computed);
  finish_report();
  output.commit();
}

// What `run` and `forward` share; what is not the same for both is told by the caller.
void add(CLI::App& command, RunOptions& options, const char* files) {
  add_required_text(
      command, "-o,--output", options.output,
      fmt::format("OUT: a name that ends in .safetensors, or a folder for {}. Replaced where it exists, left "
                  "alone where anything fails.",
                  files));
  add_plan_options(command, options.plan);
  add_json_option(command, options.json);
}

}  // namespace

void add_run(CLI::App& app, int&) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App& command = add_command(app, "run", "Compute dx, dgamma and dbeta of a problem in a file.",
                                  [options] { run<Grad>(*options); });
  add_problem_options(command, options->problem, grad_tensors);
  add_statistics_option(command, options->problem.choices);
  add(command, *options, "dx.npy, dgamma.npy, dbeta.npy");
}

void add_forward(CLI::App& app, int&) {
  const auto options = std::make_shared<RunOptions>();
  CLI::App& command = add_command(app, "forward",
                                  "Compute y, mean and rstd of LayerNorm(x1 + x2), and the sum x = x1 + x2, of "
                                  "a problem in a file. `alng run` takes this mean and rstd.",
                                  [options] { run<Forward>(*options); });
  add_problem_options(command, options->problem, forward_tensors);
  add_forward_options(command, options->problem.choices);
  add(command, *options, "y.npy, mean.npy, rstd.npy, x.npy");
}

}  // namespace alng::cli
