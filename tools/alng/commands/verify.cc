#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "commands/commands.h"
#include "commands/shared_options.h"
#include "judge/computation.h"
#include "judge/finite_differences.h"
#include "judge/verification.h"
#include "terminal/progress.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

struct VerifyOptions {
  ProblemOptions problem;
  PlanOptions plan;
  std::string results;
  bool forward = false;
  bool gradient = false;
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

template <class Operator>
using TensorsOf = std::array<std::optional<DenseTensor>, result_count<Operator>>;

template <class Operator>
TensorsOf<Operator> results_of(const TensorFile& file,
                               const std::array<std::string_view, result_count<Operator>>& names,
                               const ProblemOf<Operator>& problem, bool any_dtype) {
  const std::vector<OutputTensor> outputs = output_tensors(problem);
  TensorsOf<Operator> results;
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i] = result_of(file, std::string(names[i]), outputs[i], any_dtype);
  }
  return results;
}

GradResults named(const TensorsOf<Grad>& results) {
  const auto& [dx, dgamma, dbeta] = results;
  return {dx, dgamma, dbeta};
}
ForwardResults named(const TensorsOf<Forward>& results) {
  const auto& [y, mean, rstd, x] = results;
  return {y, mean, rstd, x};
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

bool has_any(const TensorFile& file, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return file.find(name) != nullptr; });
}

struct Asked {
  bool forward = false;
  bool gradient = false;
};

// What is judged, as the help says. A file of which one tensor of the gradient has another name must not pass for a
// forward's: whatever only the gradient reads asks for it.
Asked what_is_asked(const VerifyOptions& options, const TensorFile& input, const std::optional<TensorFile>& results) {
  Asked asked;
  if (results) {
    // mean and rstd alone say nothing: a gradient's inputs may lie beside its results.
    asked.forward = !options.gradient && has_any(*results, {"y", "x"});
    asked.gradient = !options.forward && has_any(*results, {"dx", "dgamma", "dbeta"});
    if (!asked.forward && !asked.gradient) {
      throw Failure(fmt::format("{}: none of {} is there; there are {}", results->name(),
                                options.forward    ? "y, x"
                                : options.gradient ? "dx, dgamma, dbeta"
                                                   : "dx, dgamma, dbeta, y, x",
                                list_names(results->all_names())));
    }
    return asked;
  }
  const bool only_x1 = input.find("x1") != nullptr && !has_any(input, {"dy", "rstd", "mean", "dsum"});
  asked.gradient = !options.forward && (options.gradient || !only_x1);
  asked.forward =
      !options.gradient && (options.forward || only_x1 ||
                            has_any(input, {"beta", "expected_y", "expected_mean", "expected_rstd", "expected_x"}));
  return asked;
}

// One operator's problem in IN and its results.
template <class Operator>
class Judged {
 public:
  Judged(const TensorFile& input, const ProblemChoices& choices) : found_(find_problem<Operator>(input, choices)) {}

  // What is expected, and the results in OUT or computed now. The files are in memory.
  void take_results(const VerifyOptions& options, const TensorFile& input, const std::optional<TensorFile>& file) {
    expected_ = results_of<Operator>(input, expected_tensors<Operator>, found_.problem, true);
    if (file) {
      source_ = options.results;
      results_ = results_of<Operator>(*file, result_tensors<Operator>, found_.problem, false);
      return;
    }
    const auto plan = or_fail(PlanOf<Operator>::create(found_.problem, options.plan));
    computed_ = compute(plan, found_.arguments, false);
    const std::vector<OutputTensor> outputs = output_tensors(found_.problem);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      results_[i].emplace(outputs[i].dtype, computed_.outputs[i].data());
    }
    source_ = fmt::format("computed now: {}, {}, {} {}", plan.device(), plan.isa(), plan.threads(),
                          plan.threads() == 1 ? "thread" : "threads");
  }

  const ProblemOf<Operator>& problem() const { return found_.problem; }
  const std::string& source() const { return source_; }

  // `pair`: nothing, or the gradient's.
  template <class Dense, class... Pair>
  void judge(const Dense& dense, Verification& verification, Pair... pair) const {
    {
      Progress progress("verifying", dense.rows);
      verification.append(verify(
          dense, named(results_), named(expected_), [&progress](std::int64_t rows) { progress.advance(rows); },
          pair...));
    }
    for (std::size_t i = 0; i < results_.size(); ++i) {
      if (results_[i]) continue;
      verification.checks.push_back({std::string(result_tensors<Operator>[i]), "missing from the results", 1, 0});
    }
  }

 private:
  FileProblem<Operator> found_;
  TensorsOf<Operator> expected_, results_;
  Computation computed_;
  std::string source_;
};

void verify_command(const VerifyOptions& options, int& exit_code) {
  const TensorFile input = open_problem(options.problem.input, both(problem_tensors<Grad>, problem_tensors<Forward>),
                                        options.problem.choices);
  std::optional<TensorFile> file;
  if (!options.results.empty()) {
    file.emplace(options.results, both(result_tensors<Grad>, result_tensors<Forward>));
  }
  const Asked asked = what_is_asked(options, input, file);
  ProblemChoices choices = options.problem.choices;
  std::optional<Judged<Grad>> gradient;
  std::optional<Judged<Forward>> forward;
  if (asked.gradient) gradient.emplace(input, choices);
  input.load();
  if (file) file->load();

  Verification verification;
  std::optional<DenseGrad> gradient_rows;
  std::optional<DenseForward> forward_rows;
  if (asked.gradient) {
    gradient->take_results(options, input, file);
    gradient_rows.emplace(input, gradient->problem());
    choices.normalized_dims = gradient->problem().description().normalized_dims;
    if (!choices.eps) choices.eps = static_cast<float>(implied_eps(*gradient_rows));
  }
  if (asked.forward) {
    forward.emplace(input, choices);
    forward->take_results(options, input, file);
    forward_rows.emplace(input, forward->problem());
    forward->judge(*forward_rows, verification);
  }
  if (asked.gradient) {
    std::optional<PairDifferences> pair;
    if (asked.forward && gradient_rows->rows > 0 && gradient_rows->columns > 0) {
      if (choices.round_sum && gradient_rows->x2) {
        verification.notes.push_back(
            "no differences of our forward: with --round-sum it is of another x than the gradient of x1 + x2");
      } else {
        pair.emplace(*forward_rows, options.plan, 21);
      }
    }
    gradient->judge(*gradient_rows, verification, pair ? &*pair : nullptr);
  }
  const std::string problem = gradient ? gradient->problem().to_string() : forward->problem().to_string();
  const std::string source = gradient ? gradient->source() : forward->source();
  const std::string unused = gradient ? unused_tensors<Grad>(input) : unused_tensors<Forward>(input);
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
    print_json({{"problem", problem},
                {"forward", forward ? nlohmann::ordered_json(forward->problem().to_string()) : nullptr},
                {"results", source},
                {"not_used", unused},
                {"checks", checks},
                {"notes", verification.notes},
                {"warnings", verification.warnings},
                {"ok", verification.ok()}});
    return;
  }
  std::vector<std::pair<std::string, std::string>> fields{{"problem", problem}};
  if (gradient && forward) fields.emplace_back("forward", forward->problem().to_string());
  fields.emplace_back("results", source);
  if (!unused.empty()) fields.emplace_back("not used", unused);
  print_fields(fields);
  print_table(verification);
}

}  // namespace

void add_verify(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App& command = add_command(
      app, "verify",
      "Judge results in double precision: against an oracle, by finite differences through the forward in a random "
      "direction, and beside expected_dx, expected_y and so on where IN has them. Exits with 1 beyond the bounds.\n"
      "Judged is what OUT has: the gradient where dx, dgamma or dbeta is there, the forward where y or x is. Without "
      "OUT, "
      "what IN asks for: the gradient where it has dy, rstd, mean or dsum, the forward where it has beta, expected_y "
      "or "
      "none of those. Where both are judged, dx is also held against differences of the forward's own y.",
      [options, &exit_code] { verify_command(*options, exit_code); });
  add_problem_options(command, options->problem, fmt::format("{}; of a forward {}", grad_tensors, forward_tensors));
  add_text(command, "OUT", options->results,
           "The results, as `alng run` and `alng forward` write them. Default: compute them now.");
  add_statistics_option(command, options->problem.choices);
  CLI::Option* const forward = add_flag(command, "--forward", options->forward, "Judge the forward alone.");
  add_flag(command, "--gradient", options->gradient, "Judge the gradient alone.", forward);
  add_forward_options(command, options->problem.choices, nullptr,
                      "what rstd implies where the gradient is judged, else 1e-5");
  add_plan_options(command, options->plan);
  add_json_option(command, options->json);
}

}  // namespace alng::cli
