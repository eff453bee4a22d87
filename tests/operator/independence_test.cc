// A row's dx does not know its batch; runs do not know each other.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
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

// One plan, four threads at once, each with memory of its own.
void expect_same_bits_for_four_callers(const Executor* executor) {
  for (const char* name : {"threads_options_fp32_gammaT_dsum_x2", "threads_accumulate_bf16_gammaT_dsum_x2",
                           "columns_129_fp16_gammaT_dsum_x2", "mixed_tall_bf16_gammaT_dsum_x2"}) {
    SCOPED_TRACE(name);
    const Instance instance(case_named(name));
    const Outcome expected = run_reference(instance);
    PlanOptions options;
    options.threads = 3;
    const GradPlan plan = GradPlan::create(GradProblem::create(instance.description()).value(), options).value();
    struct Caller {
      std::vector<std::vector<std::byte>> outputs;
      Outcome outcome;
    };
    std::vector<Caller> callers(4);
    std::vector<std::thread> threads;
    for (Caller& caller : callers) {
      threads.emplace_back([&instance, &plan, &caller, executor] {
        GradArguments arguments;
        for (int t = 0; t < grad::count; ++t) {
          if (!instance.layout(t)) continue;
          // Inputs are shared by all callers, outputs are not.
          if (t < grad::dx) {
            give_pointer(arguments, t, const_cast<std::byte*>(instance.storage(t).data()));
          } else {
            caller.outputs.push_back(instance.storage(t));
            give_pointer(arguments, t, caller.outputs.back().data());
          }
        }
        std::vector<std::byte> workspace(plan.workspace_size(), std::byte{0xFF});
        arguments.workspace = workspace.data();
        arguments.workspace_size = workspace.size();
        arguments.executor = executor;
        const GradPlan copy = plan;
        caller.outcome.status = copy.run(arguments);
        for (int t = grad::dx; t < grad::count; ++t) {
          const auto i = static_cast<std::size_t>(t - grad::dx);
          caller.outcome.outputs[i] = instance.elements(t, caller.outputs[i].data());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Caller& caller : callers) {
      ASSERT_TRUE(caller.outcome.status.ok()) << caller.outcome.status.message();
      EXPECT_EQ(difference(instance, expected, caller.outcome), "");
    }
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
