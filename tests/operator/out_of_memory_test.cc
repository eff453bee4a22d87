// Memory that runs out at the first, second, third allocation of a call is a refusal with a sentence, through every
// door; nothing is thrown, nothing leaks, and the process goes on.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "alng/alng.h"
#include "alng/alng.hpp"
#include "alng/oracle.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/prepared_run.h"

namespace {

// Of this thread. Allocations that still succeed; negative: no limit.
thread_local long allowed_allocations = -1;
thread_local long live_allocations = 0;

void* allocate(std::size_t bytes) {
  if (allowed_allocations == 0) throw std::bad_alloc();
  if (allowed_allocations > 0) --allowed_allocations;
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  ++live_allocations;
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) --live_allocations;
  std::free(memory);
}

}  // namespace

// All forms of new and delete, so that none pairs with the standard library's.
void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace alng::test {
namespace {

struct Answer {
  Code code = Code::ok;
  char message[200] = "";
};

Answer answer_of(const Status& status) {
  Answer answer{status.code(), ""};
  status.message().copy(answer.message, sizeof answer.message - 1);
  return answer;
}

Answer answer_of(alng_code code, const alng_status& status) {
  Answer answer{static_cast<Code>(code), ""};
  EXPECT_EQ(status.code, code);
  std::string_view(status.message).copy(answer.message, sizeof answer.message - 1);
  return answer;
}

const cases::Instance& instance() {
  static const cases::Instance made(case_named("columns_129_fp16_gammaT_dsum_x2"));
  return made;
}

const GradProblem& problem() {
  static const GradProblem made = GradProblem::create(instance().description()).value();
  return made;
}

/// Calls `call` with 0, 1, 2, ... allocations allowed until it answers `expected`.
void run_out_of_memory(Code expected, const std::function<Answer()>& call, bool allocates = true) {
  problem();  // whose memory, and the instance's, is not the call's
  for (long allowed = 0;; ++allowed) {
    const long before = live_allocations;
    allowed_allocations = allowed;
    const Answer answer = call();
    allowed_allocations = -1;
    EXPECT_EQ(live_allocations, before) << allowed << " allocations succeed";
    if (answer.code == Code::out_of_memory && allowed < 1000) {
      EXPECT_STREQ(answer.message, "out of memory");
      continue;
    }
    EXPECT_EQ(answer.code, expected) << answer.message;
    EXPECT_EQ(std::strlen(answer.message) > 0, expected != Code::ok) << answer.message;
    EXPECT_EQ(allowed > 0, allocates);
    return;
  }
}

Answer plan(const PlanOptions& options) { return answer_of(GradPlan::create(problem(), options).status()); }

TEST(OutOfMemory, Problem) {
  run_out_of_memory(Code::ok, [] { return answer_of(GradProblem::create(instance().description()).status()); });
  GradDescription wrong = instance().description();
  wrong.x1.rank = 0;
  run_out_of_memory(Code::bad_shape, [&] { return answer_of(GradProblem::create(wrong).status()); });
}

TEST(OutOfMemory, Plan) {
  PlanOptions options;
  options.threads = 3;
  run_out_of_memory(Code::ok, [&] { return plan(options); });
  options.device = "reference";
  run_out_of_memory(Code::ok, [&] { return plan(options); });
  options.isa = "an instruction set that nobody has";
  run_out_of_memory(Code::unsupported, [&] { return plan(options); });
  options.device = "cpu";
  run_out_of_memory(Code::bad_option, [&] { return plan(options); });
  options.device = "a device that nobody has ever heard of";
  run_out_of_memory(Code::bad_option, [&] { return plan(options); });
  options.threads = -1;
  run_out_of_memory(Code::bad_option, [&] { return plan(options); });
  // Of the instruction sets of other processors each is refused.
  for (const Availability& isa : instruction_sets()) {
    if (isa.available) continue;
    const PlanOptions absent{"", isa.name, 0};
    run_out_of_memory(Code::unsupported, [&] { return plan(absent); });
  }
}

TEST(OutOfMemory, Run) {
  PreparedRun run(instance(), {});
  run_out_of_memory(
      Code::ok, [&] { return answer_of(run.plan.run(run.arguments)); }, false);
  GradArguments wrong = run.arguments;
  wrong.dy = nullptr;
  run_out_of_memory(Code::null_pointer, [&] { return answer_of(run.plan.run(wrong)); });
  wrong = run.arguments;
  wrong.dgamma = wrong.dbeta;
  run_out_of_memory(Code::overlap, [&] { return answer_of(run.plan.run(wrong)); });
}

TEST(OutOfMemory, Oracle) {
  PreparedRun run(instance(), {});
  std::vector<double> dx(static_cast<std::size_t>(instance().what().elements()));
  const GradOracleOutputs outputs{dx.data(), nullptr, nullptr};
  run_out_of_memory(Code::ok, [&] { return answer_of(oracle(run.plan.problem(), run.arguments, outputs)); });
  GradArguments wrong = run.arguments;
  wrong.mean = nullptr;
  run_out_of_memory(Code::null_pointer, [&] { return answer_of(oracle(run.plan.problem(), wrong, outputs)); });
}

// More elements than any vector has throws something else than a lack of memory does.
TEST(OutOfMemory, OracleOfMoreColumnsThanAVectorHas) {
  GradDescription wide = GradDescription::dense(DType::bfloat16, 1, std::int64_t{1} << 61);
  wide.dy.strides = wide.x1.strides = {0, 0};
  wide.x2.reset();
  wide.dsum.reset();
  wide.dx.reset();
  wide.gamma.reset();
  wide.dgamma.reset();
  wide.dbeta.reset();
  const GradProblem problem = GradProblem::create(wide).value();
  const std::uint16_t one = 0x3F80;
  const float number = 1;
  GradArguments arguments;
  arguments.dy = arguments.x1 = &one;
  arguments.rstd = arguments.mean = &number;
  EXPECT_EQ(oracle(problem, arguments, {}).message(), "out of memory");
}

TEST(OutOfMemory, OneCall) {
  PreparedRun run(instance(), {});
  const auto call = [&](const GradDescription& description, const GradArguments& arguments,
                        const PlanOptions& options) {
    return answer_of(add_layer_norm_grad(description, arguments, options));
  };
  run_out_of_memory(Code::ok, [&] { return call(instance().description(), run.arguments, {}); });
  GradArguments wrong = run.arguments;
  wrong.dx = nullptr;
  run_out_of_memory(Code::null_pointer, [&] { return call(instance().description(), wrong, {}); });
  const PlanOptions unknown{"a device that nobody has ever heard of", "", 0};
  run_out_of_memory(Code::bad_option, [&] { return call(instance().description(), run.arguments, unknown); });
  GradDescription refused = instance().description();
  refused.mean.rank = 9;
  run_out_of_memory(Code::bad_shape, [&] { return call(refused, run.arguments, {}); });
}

TEST(OutOfMemory, TheCDoor) {
  const std::int64_t shape[] = {3, 5}, rows[] = {3, 1};
  const std::vector<float> input(15, 1);
  std::vector<float> output(15);
  alng_grad_problem problem{};
  problem.size = sizeof problem;
  problem.dy = problem.x1 = problem.dx = alng_contiguous(ALNG_FLOAT32, 2, shape);
  problem.rstd = problem.mean = alng_contiguous(ALNG_FLOAT32, 2, rows);
  alng_options options{sizeof options, "a device that nobody has ever heard of", nullptr, 0};
  alng_grad_arguments arguments{};
  arguments.size = sizeof arguments;
  arguments.dy = arguments.x1 = arguments.rstd = arguments.mean = input.data();
  arguments.dx = output.data();
  alng_status status;

  const auto create = [&] {
    alng_plan* plan = nullptr;
    const alng_code code = alng_grad_plan_create(&problem, &options, &plan, &status);
    EXPECT_EQ(plan != nullptr, code == ALNG_OK);
    alng_plan_destroy(plan);
    return answer_of(code, status);
  };
  const auto one_call = [&] {
    const alng_code code = alng_add_layer_norm_grad(&problem, &arguments, &options, &status);
    return answer_of(code, status);
  };
  run_out_of_memory(Code::bad_option, create);
  run_out_of_memory(Code::bad_option, one_call);
  options.device = "cpu";
  run_out_of_memory(Code::ok, create);
  run_out_of_memory(Code::ok, one_call);
  run_out_of_memory(
      Code::null_pointer,
      [&] {
        const alng_code code = alng_grad_plan_create(nullptr, &options, nullptr, &status);
        return answer_of(code, status);
      },
      false);

  alng_plan* plan = nullptr;
  ASSERT_EQ(alng_grad_plan_create(&problem, nullptr, &plan, nullptr), ALNG_OK);
  std::vector<std::byte> workspace(alng_plan_workspace_size(plan));
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size() - 1;
  run_out_of_memory(Code::bad_workspace, [&] {
    const alng_code code = alng_grad_run(plan, &arguments, &status);
    return answer_of(code, status);
  });
  char words[2000];
  const std::size_t whole = alng_plan_explain(plan, words, sizeof words);
  for (long allowed = 0;; ++allowed) {
    allowed_allocations = allowed;
    const std::size_t length = alng_plan_explain(plan, words, sizeof words);
    allowed_allocations = -1;
    if (length == whole) break;
    ASSERT_STREQ(words, "out of memory");
    ASSERT_EQ(length, std::strlen(words));
  }
  alng_plan_destroy(plan);
}

}  // namespace
}  // namespace alng::test
