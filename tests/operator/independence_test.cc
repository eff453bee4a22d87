// A row's dx does not know its batch; runs do not know each other.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/prepared_run.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Instance;

// vllm #48271, PRs 48272, 48391, 48997: a block size chosen by the number of rows changed every row's bits.
TEST(Independence, DxOfARowIsTheSameInEveryBatch) {
  for (const char* name : {"threads_options_fp32_gammaT_dsum_x2", "threads_options_bf16_gammanone_x2",
                           "threads_tall_fp16_gammaT_dsum_x2", "threads_wide_bf16_gammaT_dsum_x2"}) {
    const Instance whole(case_named(name));
    const Outcome expected = run_case(whole);
    ASSERT_TRUE(expected.status.ok()) << expected.status.message();
    const std::int64_t rows = whole.what().rows(), columns = whole.what().columns();
    const std::size_t size = dtype_size(whole.what().dtype);
    for (const auto& [first, count] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {0, 1}, {rows - 1, 1}, {1, 2}, {rows / 2, 5}, {3, rows - 3}}) {
      if (first + count > rows) continue;
      SCOPED_TRACE(std::string(name) + ", rows from " + std::to_string(first) + ", " + std::to_string(count));
      GradDescription part = whole.description();
      for (TensorLayout* layout : {&part.dy, &part.x1, &*part.x2, &part.rstd, &part.mean, &*part.dx}) {
        layout->shape[0] = count;
      }
      if (part.dsum) part.dsum->shape[0] = count;
      const GradPlan plan = GradPlan::create(GradProblem::create(part).value()).value();
      std::vector<std::byte> dx(static_cast<std::size_t>(count * columns) * size, std::byte{0xFF});
      std::vector<float> dgamma(static_cast<std::size_t>(columns)), dbeta(dgamma);
      std::vector<std::byte> workspace(plan.workspace_size());
      const auto row = [&](int tensor, std::int64_t elements, std::size_t element) {
        return whole.layout(tensor) ? whole.storage(tensor).data() + static_cast<std::size_t>(elements) * element
                                    : nullptr;
      };
      GradArguments arguments;
      arguments.dy = row(grad::dy, first * columns, size);
      arguments.x1 = row(grad::x1, first * columns, size);
      arguments.x2 = row(grad::x2, first * columns, size);
      arguments.dsum = row(grad::dsum, first * columns, size);
      arguments.rstd = reinterpret_cast<const float*>(row(grad::rstd, first, sizeof(float)));
      arguments.mean = reinterpret_cast<const float*>(row(grad::mean, first, sizeof(float)));
      arguments.gamma = row(grad::gamma, 0, size);
      arguments.dx = dx.data();
      arguments.dgamma = dgamma.data();
      arguments.dbeta = dbeta.data();
      arguments.workspace = workspace.data();
      arguments.workspace_size = workspace.size();
      const Status status = plan.run(arguments);
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(std::memcmp(dx.data(), expected.outputs[0].data() + static_cast<std::size_t>(first * columns) * size,
                            dx.size()),
                0);
    }
  }
}

// A row of the forward on its own has the bits it has among others.
TEST(Independence, ARowOfTheForwardIsTheSameInEveryBatch) {
  for (const char* name : {"threads_options_fp32_gammaT_dsum_x2", "threads_options_bf16_gammanone",
                           "threads_tall_fp16_gammaT_dsum_x2", "threads_wide_bf16_gammaT_dsum_x2"}) {
    SCOPED_TRACE(name);
    const cases::ForwardInstance whole(case_named(name), false);
    const Outcome expected = run_case(whole);
    ASSERT_TRUE(expected.status.ok()) << expected.status.message();
    for (const std::int64_t row : {std::int64_t{0}, whole.what().rows() / 2, whole.what().rows() - 1}) {
      ForwardDescription part = whole.description();
      ForwardArguments arguments;
      std::vector<std::vector<std::byte>> outputs;
      for (int t = 0; t < whole.count(); ++t) {
        if (!whole.layout(t)) continue;
        TensorLayout layout = *whole.layout(t);
        std::size_t begin = 0;
        if (whole.operands()[static_cast<std::size_t>(t)].role != Role::column) {
          begin = static_cast<std::size_t>(row * layout.strides[0]) * dtype_size(layout.dtype);
          layout.shape[0] = 1;
        }
        give_layout(part, static_cast<std::size_t>(t), layout);
        if (!whole.is_output(t)) {
          give_pointer(arguments, static_cast<std::size_t>(t), whole.storage(t).data() + begin);
          continue;
        }
        outputs.emplace_back(static_cast<std::size_t>(cases::span_of(layout)) * dtype_size(layout.dtype));
        give_pointer(arguments, static_cast<std::size_t>(t), outputs.back().data());
      }
      const Status status = add_layer_norm(part, arguments);
      ASSERT_TRUE(status.ok()) << status.message();
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const std::byte* const of_row = expected.outputs[i].data() + static_cast<std::size_t>(row) * outputs[i].size();
        EXPECT_EQ(std::memcmp(outputs[i].data(), of_row, outputs[i].size()), 0) << "output " << i;
      }
    }
  }
}

// One plan, four threads at once, each with memory of its own.
template <class Prepared, class Instance>
void expect_same_bits_for_four_callers(const Instance& instance, const Executor* executor) {
  SCOPED_TRACE(instance.what().name);
  const Outcome expected = run_reference(instance);
  PlanOptions options;
  options.threads = 3;
  std::vector<std::unique_ptr<Prepared>> callers;
  for (int i = 0; i < 4; ++i) {
    callers.push_back(std::make_unique<Prepared>(instance, options));
    callers.back()->plan = callers.front()->plan;
    callers.back()->arguments.executor = executor;
    // Inputs are shared by all callers, outputs are not.
    for (int t = 0; t < first_output(instance); ++t) {
      give_pointer(callers.back()->arguments, static_cast<std::size_t>(t),
                   pointer_at(callers.front()->arguments, static_cast<std::size_t>(t)));
    }
  }
  std::vector<Status> statuses(callers.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < callers.size(); ++i) {
    threads.emplace_back([&, i] { statuses[i] = callers[i]->plan.run(callers[i]->arguments); });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < callers.size(); ++i) {
    ASSERT_TRUE(statuses[i].ok()) << statuses[i].message();
    EXPECT_EQ(difference(instance, expected, callers[i]->outcome()), "");
  }
}

void expect_same_bits_for_four_callers(const Executor* executor) {
  for (const char* name : {"threads_options_fp32_gammaT_dsum_x2", "threads_accumulate_bf16_gammaT_dsum_x2",
                           "columns_129_fp16_gammaT_dsum_x2", "mixed_tall_bf16_gammaT_dsum_x2"}) {
    const cases::Case& what = case_named(name);
    expect_same_bits_for_four_callers<PreparedRun>(Instance(what), executor);
    expect_same_bits_for_four_callers<PreparedForward>(cases::ForwardInstance(what, false), executor);
  }
}

// Meant for the thread sanitizer as much as for the bits.
TEST(Independence, OnePlanRunsFromFourThreadsAtOnce) { expect_same_bits_for_four_callers(&thread_per_task_executor()); }

TEST(Independence, OnePlanRunsFromFourThreadsAtOnceOnTheLibrarysThreads) { expect_same_bits_for_four_callers(nullptr); }

// llm.c #190, flash-attention #1245: two runs, two answers.
TEST(Independence, RunsRepeat) {
  const Instance instance(case_named("threads_tall_bf16_gammaT_dsum_x2"));
  const Outcome first = run_case(instance);
  ASSERT_TRUE(first.status.ok()) << first.status.message();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(difference(instance, first, run_case(instance)), "");
}

}  // namespace
}  // namespace alng::test
