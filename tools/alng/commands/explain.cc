#include <memory>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "judge/computation.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

struct ExplainOptions {
  ProblemOptions problem;
  PlanOptions plan;
  bool json = false;
};

void explain(const ExplainOptions& options) {
  const ProblemFile input = load_problem(options.problem.input, options.problem.choices);
  const GradPlan plan = or_fail(GradPlan::create(input.problem, options.plan));
  if (options.json) {
    print_json({{"problem", input.problem.to_string()},
                {"rows", input.problem.rows()},
                {"columns", input.problem.columns()},
                {"normalized_dims", input.problem.description().normalized_dims},
                {"bytes", input.problem.bytes()},
                {"device", plan.device()},
                {"isa", plan.isa()},
                {"threads", plan.threads()},
                {"workspace_bytes", plan.workspace_size()},
                {"plan", plan.explain()}});
    return;
  }
  std::vector<std::pair<std::string, std::string>> fields{{"problem", input.problem.to_string()}};
  const GradDescription& d = input.problem.description();
  const auto tensor = [&fields](const char* name, const TensorLayout& layout) {
    fields.emplace_back(name, to_string(layout));
  };
  tensor("dy", d.dy);
  tensor("x1", d.x1);
  if (d.x2) tensor("x2", *d.x2);
  tensor("rstd", d.rstd);
  tensor("mean", d.mean);
  if (d.gamma) tensor("gamma", *d.gamma);
  if (d.dsum) tensor("dsum", *d.dsum);
  fields.emplace_back("normalised",
                      std::to_string(d.normalized_dims) + (d.normalized_dims == 1 ? " dimension" : " dimensions"));
  fields.emplace_back("plan", plan.explain());
  if (const std::string unused = unused_tensors(input.file); !unused.empty()) fields.emplace_back("not used", unused);
  print_fields(fields);
}

}  // namespace

void add_explain(CLI::App& app, int&) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App& command = *app.add_subcommand("explain", "Show what a file asks for and how it would be computed here.");
  add_problem_options(command, options->problem);
  add_plan_options(command, options->plan);
  add_json_option(command, options->json);
  command.callback([options] { explain(*options); });
}

}  // namespace alng::cli
