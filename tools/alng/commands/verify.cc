#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "judge/computation.h"
#include "judge/verification.h"
#include "terminal/progress.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

struct VerifyOptions {
  ProblemOptions problem;
  PlanOptions plan;
  std::string results;
  bool json = false;
};

// A tensor of `file` that must have the shape and one of the dtypes of this result.
std::optional<DenseTensor> result_of(const TensorFile& file, const std::string& name, const OutputTensor& like,
                                     bool any_dtype) {
  const FileTensor* tensor = file.find(name);
  if (tensor == nullptr) return std::nullopt;
  const TensorLayout layout =
      layout_of(file.name() + ": " + name, *tensor, any_dtype ? cli::any_dtype : dtype_name(like.dtype));
  if (tensor->shape != like.shape || (!any_dtype && layout.dtype != like.dtype)) {
    throw Failure(fmt::format("{}: {} is {} but {}{} is expected", file.name(), name, to_string(layout),
                              any_dtype ? "any dtype of the shape of " : "",
                              to_string(TensorLayout::contiguous(like.dtype, like.shape))));
  }
  return DenseTensor(*tensor);
}

Results results_of(const TensorFile& file, const std::string& prefix, const GradProblem& problem, bool any_dtype) {
  const std::vector<OutputTensor> outputs = output_tensors(problem);
  return {result_of(file, prefix + "dx", outputs[0], any_dtype),
          result_of(file, prefix + "dgamma", outputs[1], any_dtype),
          result_of(file, prefix + "dbeta", outputs[2], any_dtype)};
}

std::string number(double value) {
  // Shares near 1 need more digits than errors near 1e-7.
  return value > 0.9 && value < 1 ? fmt::format("{:.5f}", std::min(value, 0.99999)) : fmt::format("{:.3g}", value);
}

void print_table(const Verification& verification) {
  fmt::print("{:<7} {:<46} {:>9}    {:<9}\n", "", "", "measured", "allowed");
  for (const Check& check : verification.checks) {
    fmt::print("{:<7} {:<46} {:>9} {} {:<9} {}\n", check.tensor, check.measure, number(check.error),
               check.at_most ? "<=" : ">=", number(check.bound), check.ok() ? "ok" : "BEYOND");
  }
  for (const std::string& note : verification.notes) fmt::print("{}\n", note);
  for (const std::string& warning : verification.warnings) fmt::print("warning: {}\n", warning);
  const auto beyond = std::ranges::count_if(verification.checks, [](const Check& check) { return !check.ok(); });
  if (beyond == 0) {
    fmt::print("all {} checks within their bounds\n", verification.checks.size());
  } else {
    fmt::print("{} of {} checks BEYOND their bounds\n", beyond, verification.checks.size());
  }
}

void verify_command(const VerifyOptions& options, int& exit_code) {
  const ProblemFile<Grad> input = load_problem<Grad>(options.problem.input, options.problem.choices);
  input.file.load();
  const Results expected = results_of(input.file, "expected_", input.problem, true);
  std::optional<TensorFile> file;
  std::optional<Computation> computed;
  Results results;
  std::string source;
  if (!options.results.empty()) {
    file.emplace(options.results, result_tensors<Grad>);
    file->load();
    results = results_of(*file, "", input.problem, false);
    if (!results.dx && !results.dgamma && !results.dbeta) {
      throw Failure(fmt::format("{}: none of dx, dgamma, dbeta is there; there are {}", options.results,
                                list_names(file->all_names())));
    }
    source = options.results;
  } else {
    const GradPlan plan = or_fail(GradPlan::create(input.problem, options.plan));
    computed = compute(plan, input.arguments, false);
    results.dx.emplace(input.problem.dtype(), computed->outputs[0].data());
    results.dgamma.emplace(DType::float32, computed->outputs[1].data());
    results.dbeta.emplace(DType::float32, computed->outputs[2].data());
    source = fmt::format("computed now: {}, {}, {} {}", plan.device(), plan.isa(), plan.threads(),
                         plan.threads() == 1 ? "thread" : "threads");
  }
  const DenseProblem problem(input);
  Verification verification;
  {
    Progress progress("verifying", problem.rows);
    verification = verify(problem, results, expected, [&progress](std::int64_t rows) { progress.advance(rows); });
  }
  const auto must_be_there = [&](const char* name, const std::optional<DenseTensor>& result) {
    if (!result) verification.checks.push_back({name, "missing from the results", 1, 0});
  };
  must_be_there("dx", results.dx);
  must_be_there("dgamma", results.dgamma);
  must_be_there("dbeta", results.dbeta);
  exit_code = verification.ok() ? 0 : 1;
  if (options.json) {
    nlohmann::ordered_json checks = nlohmann::ordered_json::array();
    for (const Check& check : verification.checks) {
      checks.push_back({{"tensor", check.tensor},
                        {"measure", check.measure},
                        {"measured", check.error},
                        {"bound", check.bound},
                        {"bound_is", check.at_most ? "most" : "least"},
                        {"ok", check.ok()}});
    }
    print_json({{"problem", input.problem.to_string()},
                {"results", source},
                {"checks", checks},
                {"notes", verification.notes},
                {"warnings", verification.warnings},
                {"ok", verification.ok()}});
    return;
  }
  std::vector<std::pair<std::string, std::string>> fields{{"problem", input.problem.to_string()}, {"results", source}};
  if (const std::string unused = unused_tensors<Grad>(input.file); !unused.empty()) fields.emplace_back("not used", unused);
  print_fields(fields);
  print_table(verification);
}

}  // namespace

void add_verify(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App& command = *app.add_subcommand("verify",
                                          "Judge dx, dgamma and dbeta in double precision: against an oracle, by "
                                          "finite differences through the forward in a random "
                                          "direction, and beside expected_dx, expected_dgamma, expected_dbeta where IN "
                                          "has them. Exits with 1 beyond the bounds.");
  add_problem_options(command, options->problem, grad_tensors);
  command.add_option("OUT", options->results, "The results, as `alng run` writes them. Default: compute them now.");
  add_plan_options(command, options->plan);
  add_json_option(command, options->json);
  command.callback([options, &exit_code] { verify_command(*options, exit_code); });
}

}  // namespace alng::cli
