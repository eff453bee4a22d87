// From a problem to a partition and kernels, and from arguments to a run of them.
#include "cpu/grad/execution.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "cpu/grad/kernels.h"
#include "cpu/grad/leaf_tree.h"
#include "cpu/grad/partition.h"
#include "cpu/instruction_set.h"
#include "cpu/memory.h"
#include "cpu/threads.h"
#include "cpu/tuning.h"
#include "cpu/units.h"
#include "order/leaves.h"
#include "plan/float_environment.h"

namespace alng::impl::cpu {

Kernels kernels(DType dtype, InstructionSet isa) noexcept {
  switch (dtype) {
    case DType::float32:
      return kernels_float32(isa);
    case DType::float16:
      return kernels_float16(isa);
    case DType::bfloat16:
      break;
  }
  return kernels_bfloat16(isa);
}

namespace {

float* floats_at(std::byte* workspace, std::size_t offset) noexcept {
  return reinterpret_cast<float*>(workspace + offset);
}

class GradExecution final : public Execution {
 public:
  static Result<std::unique_ptr<Execution>> create(const Problem& problem, InstructionSet isa, int threads) {
    auto execution = std::make_unique<GradExecution>(problem, isa);
    const Result<Tuning> tuning =
        choose_grad_tuning(problem, isa, {execution->dense_, execution->views_[grad::dx].dense_row});
    if (!tuning.ok()) return tuning.status();
    execution->divide(tuning.value(), threads);
    return std::unique_ptr<Execution>(std::move(execution));
  }

  GradExecution(const Problem& problem, InstructionSet isa) : problem_(problem), isa_(isa) {
    kernels_ = kernels(problem.dtype(), isa);
    const auto operands = problem.what().operands;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (!problem.has(i)) continue;
      views_[i] = rows_of(problem, i);
      if (operands[i].role == Role::element) dense_ = dense_ && views_[i].dense_row;
    }
    copy_of_gamma_ = problem.has(grad::gamma) && kernels_.order.needs_copy(views_[grad::gamma]);
  }

  void divide(const Tuning& tuning, int threads) {
    tuning_ = tuning;
    const auto most = static_cast<int>(std::min<std::int64_t>(threads, tuning.most_tasks));
    partition_ = make_partition(problem_, most, {!dense_, tuning.stream, copy_of_gamma_, tuning.own_copies});
    prepare_default_executor(partition_.tasks);
  }

  std::size_t workspace_size() const noexcept override { return partition_.workspace_size; }
  const char* isa() const noexcept override { return name(isa_); }
  int threads() const noexcept override { return partition_.tasks; }

  std::string explain() const override {
    const Partition& p = partition_;
    std::string text = "instruction set: " + std::string(isa()) + "\n";
    text += "threads: " + std::to_string(p.tasks) + "\n";
    text += "leaves: " + std::to_string(p.leaves) + " of about " +
            std::to_string(problem_.rows() / std::max<std::int64_t>(p.leaves, 1)) + " rows, in " +
            std::to_string(p.units) + " units\n";
    text += std::string("rows: ") +
            (dense_ ? "read and written in place" : "some gathered or scattered through the workspace") + "\n";
    text += tuning_.explain_inputs() + tuning_.explain_dx();
    return text;
  }

  Status run(const Arguments& arguments) const noexcept override {
    const FloatEnvironment environment;
    const Partition& p = partition_;
    std::byte* const workspace = arguments.workspace_aligned_to(workspace_alignment);
    std::memset(workspace + p.bookkeeping, 0, p.bookkeeping_size);

    RunOperands pass;
    pass.columns = problem_.columns();
    pass.padded_columns = padded(pass.columns);
    pass.inverse_columns = 1.0f / static_cast<float>(problem_.columns());
    const auto tensor = [&](std::size_t place) {
      return Tensor{&views_[place], static_cast<std::byte*>(arguments.data[place])};
    };
    pass.dy = tensor(grad::dy);
    pass.x1 = tensor(grad::x1);
    pass.x2 = tensor(grad::x2);
    pass.dsum = tensor(grad::dsum);
    pass.dx = tensor(grad::dx);
    pass.rstd = tensor(grad::rstd);
    pass.mean = tensor(grad::mean);
    pass.gamma = static_cast<const float*>(arguments.data[grad::gamma]);
    if (copy_of_gamma_ && !tuning_.own_copies) copy_gamma(arguments, floats_at(workspace, p.gamma), pass);
    pass.dense = dense_;
    pass.tuning = tuning_;

    LeafTree tree(p.units, p.slots, workspace + p.bookkeeping, floats_at(workspace, p.slots_memory), p.slot);
    Run run{arguments, pass, tree, Units(workspace + p.tasks_units, p.units, p.tasks), workspace};
    run_tasks(arguments.executor, p.tasks, [&](std::int32_t task) { work(run, task); });
    return {};
  }

 private:
  struct Run {
    const Arguments& arguments;
    const RunOperands& pass;
    LeafTree& tree;
    Units units;
    std::byte* workspace;
  };

  void copy_gamma(const Arguments& arguments, float* copy, RunOperands& pass) const noexcept {
    widen(kernels_.order, problem_.dtype(), views_[grad::gamma], arguments.data[grad::gamma], problem_.columns(), copy);
    pass.gamma = copy;
  }

  // One task: unit after unit, as long as there are any.
  void work(Run& run, int index) const noexcept {
    const Partition& p = partition_;
    std::byte* scratch = run.workspace + p.tasks_scratch + static_cast<std::size_t>(index) * p.task_scratch_size;
    Task task{{},
              reinterpret_cast<float*>(scratch + p.task_h),
              scratch + p.task_rows,
              {scratch + p.task_staging, Staging::size_for(row_bytes(problem_))}};
    RunOperands pass = run.pass;
    if (copy_of_gamma_ && tuning_.own_copies) copy_gamma(run.arguments, floats_at(scratch, p.task_gamma), pass);
    // With sums: without a free slot this task stops; the others hold them all and will do the units that are left.
    for (int slot = -1; p.slots == 0 || (slot = run.tree.acquire(p.slots / p.tasks * index)) >= 0;) {
      const std::int64_t unit = run.units.next(index);
      if (unit == p.units) {
        if (slot >= 0) run.tree.release(slot);
        break;
      }
      do_unit(pass, unit, slot >= 0 ? run.tree.at(slot) : nullptr, scratch, task);
      if (slot < 0) continue;
      const int root = run.tree.complete(unit, slot, kernels_.add);
      if (root >= 0) write_sums(run, p.slot.sums(run.tree.at(root)));
    }
    kernels_.finish(pass, task);
  }

  // The leaves of a unit in order. Their sums are a stack: a leaf goes on top, and the two on top are added as long as
  // they are two halves of an aligned subtree. In the end all that is left is added, from the top, which is what
  // passing up odd nodes means.
  void do_unit(const RunOperands& pass, std::int64_t unit, float* result, std::byte* scratch,
               Task& task) const noexcept {
    const Partition& p = partition_;
    const Sums block = p.slot.sums(reinterpret_cast<float*>(scratch + p.task_block));
    const auto entry = [&](int depth) {
      return depth == 0 ? result : reinterpret_cast<float*>(scratch) + (depth - 1) * p.slot.size;
    };
    int depth = 0;
    const auto add_top_two = [&] {
      --depth;
      p.slot.add(kernels_.add, entry(depth - 1), entry(depth));
    };
    const std::int64_t begin = unit * p.unit_leaves;
    const std::int64_t end = std::min(begin + p.unit_leaves, p.leaves);
    for (std::int64_t leaf = begin; leaf < end; ++leaf) {
      kernels_.row_pass(pass, leaf_begin(leaf, problem_.rows(), p.leaves),
                        leaf_begin(leaf + 1, problem_.rows(), p.leaves),
                        result != nullptr ? p.slot.sums(entry(depth)) : Sums{nullptr, nullptr}, block, task);
      if (result == nullptr) continue;
      ++depth;
      for (std::int64_t done = leaf - begin; done % 2 == 1; done /= 2) add_top_two();
    }
    while (depth > 1) add_top_two();
  }

  void write_sums(const Run& run, Sums sums) const noexcept {
    if (problem_.has(grad::dgamma)) write_sums(run, grad::dgamma, sums.dgamma);
    if (problem_.has(grad::dbeta)) write_sums(run, grad::dbeta, sums.dbeta);
  }

  void write_sums(const Run& run, std::size_t place, float* sums) const noexcept {
    auto* const output = static_cast<float*>(run.arguments.data[place]);
    if (kernels_.order.to_natural != nullptr) kernels_.order.to_natural(sums, padded(problem_.columns()));
    const bool accumulate = problem_.accumulate();
    const std::int64_t columns = problem_.columns();
    const Rows& view = views_[place];
    if (view.dense_row) {
      kernels_.write_sums(output, sums, columns, accumulate);
      return;
    }
    // Strided: element by element, each through the kernel so that NaN and addition are the same.
    for (std::int64_t j = 0; j < columns; ++j) {
      auto* element = reinterpret_cast<float*>(reinterpret_cast<std::byte*>(output) + view.column.offset(j));
      kernels_.write_sums(element, sums + j, 1, accumulate);
    }
  }

  Problem problem_;
  InstructionSet isa_;
  Kernels kernels_{};
  /// By place; meaningless where the tensor is absent.
  std::array<Rows, max_operands> views_;
  bool dense_ = true;
  bool copy_of_gamma_ = false;
  Tuning tuning_;
  Partition partition_;
};

}  // namespace

Result<std::unique_ptr<Execution>> plan_grad(const Problem& problem, InstructionSet isa, int threads) {
  return GradExecution::create(problem, isa, threads);
}

}  // namespace alng::impl::cpu
