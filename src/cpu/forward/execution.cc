// From a problem to kernels and shares of rows, and from arguments to a run of them.
#include "cpu/forward/execution.h"

#include <algorithm>
#include <array>
#include <memory>

#include "cpu/forward/kernels.h"
#include "cpu/memory.h"
#include "cpu/threads.h"
#include "cpu/tuning.h"
#include "cpu/units.h"
#include "order/leaves.h"
#include "plan/float_environment.h"

namespace alng::impl::cpu {

ForwardKernels forward_kernels(DType dtype, InstructionSet isa) noexcept {
  switch (dtype) {
    case DType::float32:
      return forward_kernels_float32(isa);
    case DType::float16:
      return forward_kernels_float16(isa);
    case DType::bfloat16:
      break;
  }
  return forward_kernels_bfloat16(isa);
}

namespace {

// Tasks take rows in units. 32 units for each task even out what one of them loses to other work; a unit of fewer bytes
// than this is not worth taking by itself.
constexpr std::int64_t units_of_a_task = 32;
constexpr std::int64_t min_unit_bytes = 64 << 10;

// The two rows of x lie half a page apart within a page, so that no load of the one waits for a store to the other.
constexpr std::size_t second_x_in_page = workspace_alignment / 2;

class ForwardExecution final : public Execution {
 public:
  static Result<std::unique_ptr<Execution>> create(const Problem& problem, InstructionSet isa, int threads) {
    auto execution = std::make_unique<ForwardExecution>(problem, isa);
    const Result<Tuning> tuning = choose_forward_tuning(problem, isa, {execution->dense_, execution->dense_outputs_});
    if (!tuning.ok()) return tuning.status();
    execution->divide(tuning.value(), threads);
    return std::unique_ptr<Execution>(std::move(execution));
  }

  ForwardExecution(const Problem& problem, InstructionSet isa) : problem_(problem), isa_(isa) {
    kernels_ = forward_kernels(problem.dtype(), isa);
    const auto operands = problem.what().operands;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (!problem.has(i)) continue;
      views_[i] = rows_of(problem, i);
      if (operands[i].role != Role::element || views_[i].dense_row) continue;
      dense_ = false;
      if (operands[i].direction == Direction::output) dense_outputs_ = false;
    }
  }

  void divide(const Tuning& tuning, int threads) {
    tuning_ = tuning;
    // As many as a gradient may have: a plan for 2^31 threads does not ask for gigabytes.
    tasks_ = static_cast<int>(
        std::clamp(std::min<std::int64_t>({threads, tuning.most_tasks, problem_.rows()}), std::int64_t{1}, max_leaves));
    lay_out();
    units_ = 1;
    if (tasks_ > 1) {
      units_ = std::min({problem_.rows(), units_of_a_task * tasks_,
                         std::max<std::int64_t>(tasks_, problem_.bytes() / min_unit_bytes / tasks_ * tasks_)});
    }
    prepare_default_executor(tasks_);
  }

  std::size_t workspace_size() const noexcept override { return workspace_size_; }
  const char* isa() const noexcept override { return name(isa_); }
  int threads() const noexcept override { return tasks_; }

  std::string explain() const override {
    std::string text = "instruction set: " + std::string(isa()) + "\n";
    text += "threads: " + std::to_string(tasks_) + "\n";
    text += "rows: " + std::to_string(units_) + " units of about " + std::to_string(problem_.rows() / units_) + ", " +
            (dense_ ? "read and written in place" : "some gathered or scattered through the workspace") + "\n";
    if (tuning_.in_batches) text += "few columns: " + std::to_string(batch_rows) + " rows at a time\n";
    text += tuning_.explain_inputs();
    text += std::string("y and x: written ") + tuning_.where_written() + ", " +
            (tuning_.row_by_row ? "before the next row begins" : "y while the rows behind are read") + "\n";
    return text;
  }

  Status run(const Arguments& arguments) const noexcept override {
    const FloatEnvironment environment;
    std::byte* const workspace = arguments.workspace_aligned_to(workspace_alignment);

    ForwardOperands pass;
    pass.columns = problem_.columns();
    pass.inverse_columns = 1.0f / static_cast<float>(problem_.columns());
    pass.eps = problem_.eps();
    pass.round_sum = problem_.round_sum() && problem_.dtype() != DType::float32;
    const auto tensor = [&](std::size_t place) {
      return Tensor{&views_[place], static_cast<std::byte*>(arguments.data[place])};
    };
    pass.x1 = tensor(forward::x1);
    pass.x2 = tensor(forward::x2);
    pass.y = tensor(forward::y);
    pass.mean = tensor(forward::mean);
    pass.rstd = tensor(forward::rstd);
    pass.x = tensor(forward::x);
    pass.dense = dense_;
    pass.tuning = tuning_;
    if (!tuning_.own_copies) take_weights(arguments, workspace, pass);

    Run run{arguments, pass, workspace, Units(workspace, units_, tasks_)};
    run_tasks(arguments.executor, tasks_, [&](std::int32_t task) { work(run, task); });
    return {};
  }

 private:
  struct Run {
    const Arguments& arguments;
    const ForwardOperands& pass;
    std::byte* workspace;
    Units units;
  };

  bool needs_copy(std::size_t place) const noexcept {
    return problem_.has(place) && kernels_.order.needs_copy(views_[place]);
  }

  // gamma and beta, whose copies are made at `memory` where they are needed.
  void take_weights(const Arguments& arguments, std::byte* memory, ForwardOperands& pass) const noexcept {
    pass.gamma = of_columns(arguments, forward::gamma, memory + gamma_);
    pass.beta = of_columns(arguments, forward::beta, memory + beta_);
  }

  // gamma or beta as the kernels read it; null where absent.
  const float* of_columns(const Arguments& arguments, std::size_t place, std::byte* copy) const noexcept {
    if (!needs_copy(place)) return static_cast<const float*>(arguments.data[place]);
    auto* const wide = reinterpret_cast<float*>(copy);
    widen(kernels_.order, problem_.dtype(), views_[place], arguments.data[place], problem_.columns(), wide);
    return wide;
  }

  void lay_out() noexcept {
    const auto columns = static_cast<std::size_t>(padded(problem_.columns()));
    const std::size_t floats = round_up(columns * sizeof(float));
    const std::size_t row = row_bytes(problem_);
    const std::size_t gamma_floats = needs_copy(forward::gamma) ? floats : 0;
    const std::size_t copies = gamma_floats + (needs_copy(forward::beta) ? floats : 0);
    tasks_scratch_ = round_up(Units::size(tasks_) + (tuning_.own_copies ? 0 : copies), workspace_alignment);
    second_x_ = place_in_page(floats, second_x_in_page);
    rows_ = std::max(second_x_ + floats, tuning_.in_batches ? static_cast<std::size_t>(batch_rows) * floats : 0);
    y_staging_ = rows_ + (dense_ ? 0 : round_up(4 * row));
    x_staging_ = y_staging_ + (tuning_.stream ? Staging::size_for(row) : 0);
    const std::size_t task_end = x_staging_ + (tuning_.stream ? Staging::size_for(row) : 0);
    gamma_ = tuning_.own_copies ? task_end : Units::size(tasks_);
    beta_ = gamma_ + gamma_floats;
    task_scratch_size_ = round_up(task_end + (tuning_.own_copies ? copies : 0), workspace_alignment);
    workspace_size_ = tasks_scratch_ + static_cast<std::size_t>(tasks_) * task_scratch_size_ + workspace_alignment - 1;
  }

  // One task: unit after unit, as long as there are any.
  void work(Run& run, int index) const noexcept {
    std::byte* const scratch = run.workspace + tasks_scratch_ + static_cast<std::size_t>(index) * task_scratch_size_;
    ForwardTask task{{},
                     {},
                     reinterpret_cast<float*>(scratch),
                     reinterpret_cast<float*>(scratch + second_x_),
                     scratch + rows_,
                     {scratch + y_staging_, Staging::size_for(row_bytes(problem_))},
                     {scratch + x_staging_, Staging::size_for(row_bytes(problem_))}};
    ForwardOperands pass = run.pass;
    if (tuning_.own_copies) take_weights(run.arguments, scratch, pass);
    for (std::int64_t unit; (unit = run.units.next(index)) < units_;) {
      kernels_.row_pass(pass, leaf_begin(unit, problem_.rows(), units_), leaf_begin(unit + 1, problem_.rows(), units_),
                        task);
    }
    kernels_.finish(pass, task);
  }

  Problem problem_;
  InstructionSet isa_;
  ForwardKernels kernels_{};
  /// By place; meaningless where the tensor is absent.
  std::array<Rows, max_operands> views_;
  bool dense_ = true;
  bool dense_outputs_ = true;
  Tuning tuning_;
  int tasks_ = 1;
  std::int64_t units_ = 1;

  // The workspace, in bytes from its first page boundary: copies of gamma and beta, unless each task has its own; then
  // for each task two rows of x in float32, and at these distances its scratch rows, staging (kernels.h) and copies.
  std::size_t gamma_ = 0;
  std::size_t beta_ = 0;
  std::size_t tasks_scratch_ = 0;
  std::size_t task_scratch_size_ = 0;
  std::size_t second_x_ = 0;
  std::size_t rows_ = 0;
  std::size_t y_staging_ = 0;
  std::size_t x_staging_ = 0;
  /// All of it, and what it takes to find the boundary.
  std::size_t workspace_size_ = 0;
};

}  // namespace

Result<std::unique_ptr<Execution>> plan_forward(const Problem& problem, InstructionSet isa, int threads) {
  return ForwardExecution::create(problem, isa, threads);
}

}  // namespace alng::impl::cpu
