#include <fmt/format.h>

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
  bool forward = false;
  bool json = false;
};

template <class Operator>
void explain(const ExplainOptions& options) {
  const ProblemFile<Operator> input = load_problem<Operator>(options.problem.input, options.problem.choices);
  const auto plan = or_fail(PlanOf<Operator>::create(input.problem, options.plan));
  const auto& description = input.problem.description();
  const std::string unused = unused_tensors<Operator>(input.file);
  if (options.json) {
    print_json({{"problem", input.problem.to_string()},
                {"rows", input.problem.rows()},
                {"columns", input.problem.columns()},
                {"normalized_dims", description.normalized_dims},
                {"bytes", input.problem.bytes()},
                {"device", plan.device()},
                {"isa", plan.isa()},
                {"threads", plan.threads()},
                {"workspace_bytes", plan.workspace_size()},
                {"plan", plan.explain()},
                {"not_used", unused}});
    return;
  }
  std::vector<std::pair<std::string, std::string>> fields{{"problem", input.problem.to_string()}};
  for (std::size_t place = 0; place < input_count<Operator>; ++place) {
    if (const TensorLayout* const layout = layout_at(description, place)) {
      fields.emplace_back(operands_of<Operator>[place].name, to_string(*layout));
    }
  }
  fields.emplace_back("normalised", std::to_string(description.normalized_dims) +
                                        (description.normalized_dims == 1 ? " dimension" : " dimensions"));
  fields.emplace_back("plan", plan.explain());
  if (!unused.empty()) fields.emplace_back("not used", unused);
  print_fields(fields);
}

}  // namespace

void add_explain(CLI::App& app, int&) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App& command =
      add_command(app, "explain", "Show what a file asks for and how it would be computed here.",
                  [options] { options->forward ? explain<Forward>(*options) : explain<Grad>(*options); });
  add_problem_options(command, options->problem, fmt::format("{}; with --forward: {}", grad_tensors, forward_tensors));
  CLI::Option* const forward = add_flag(command, "--forward", options->forward,
                                        "What `alng forward` does with IN. Without: what `alng run` does.");
  add_forward_options(command, options->problem.choices, forward);
  add_plan_options(command, options->plan);
  add_json_option(command, options->json);
}

}  // namespace alng::cli
