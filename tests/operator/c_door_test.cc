// The C interface: every field of the problem, the options, the executor and the status arrives. Every case of the list
// gives the bits of the reference, every code comes through, and messages are cut to fit.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "operator/c_door_call.h"

namespace alng::test {
namespace {

/// The tensors of a case in memory of their own, dx over the input that it shares.
struct Tensors {
  explicit Tensors(const Instance& instance) : run(instance, {}) {
    if (instance.dx_over() < 0) return;
    give_pointer(run.arguments, grad::dx, run.memory[static_cast<std::size_t>(instance.dx_over())].data());
  }
  Outcome outcome() const {
    Outcome out = run.outcome();
    const Instance& instance = run.instance;
    if (instance.dx_over() >= 0) {
      out.outputs[0] = instance.elements(grad::dx, run.memory[static_cast<std::size_t>(instance.dx_over())].data());
    }
    return out;
  }
  PreparedRun run;
};

class CDoor : public testing::TestWithParam<cases::Case> {};

TEST_P(CDoor, GivesTheBitsOfTheReference) {
  const Instance instance(GetParam());
  const Outcome expected = run_reference(instance);
  const alng_grad_problem problem = in_c(instance.description());
  alng_status status{ALNG_UNSUPPORTED, "as it was"};

  Tensors planned(instance);
  alng_plan* plan = nullptr;
  ASSERT_EQ(alng_grad_plan_create(&problem, nullptr, &plan, &status), ALNG_OK) << status.message;
  std::vector<std::byte> workspace(alng_plan_workspace_size(plan), std::byte{0xFF});
  alng_grad_arguments arguments = in_c(planned.run.arguments);
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  EXPECT_EQ(alng_grad_run(plan, &arguments, &status), ALNG_OK) << status.message;
  EXPECT_EQ(status.code, ALNG_OK);
  EXPECT_STREQ(status.message, "");
  EXPECT_EQ(difference(instance, expected, planned.outcome()), "");
  alng_plan_destroy(plan);

  Tensors at_once(instance);
  arguments = in_c(at_once.run.arguments);
  arguments.workspace = nullptr;
  arguments.workspace_size = 0;
  EXPECT_EQ(alng_add_layer_norm_grad(&problem, &arguments, nullptr, &status), ALNG_OK) << status.message;
  EXPECT_EQ(difference(instance, expected, at_once.outcome()), "");
}

INSTANTIATE_TEST_SUITE_P(Fast, CDoor, testing::ValuesIn(fast(cases::all_cases())), case_name);

std::string explanation(const alng_plan* plan) {
  std::string words(alng_plan_explain(plan, nullptr, 0), '?');
  EXPECT_EQ(alng_plan_explain(plan, words.data(), words.size() + 1), words.size());
  return words;
}

TEST_F(CDoorCall, OptionsArrive) {
  const auto explained = [&](const char* line) {
    EXPECT_EQ(create(), ALNG_OK) << status_.message;
    const std::string words = explanation(plan_);
    EXPECT_NE(words.find(line), std::string::npos) << words;
  };
  options_.threads = 3;
  explained("\nthreads: 3\n");
  options_.threads = 1;
  explained("\nthreads: 1\n");
  options_.isa = "scalar";
  explained("\ninstruction set: scalar\n");
  options_.device = "reference";
  explained("\ndevice: reference\n");
}

TEST_F(CDoorCall, AnExplanationIsCutToFit) {
  ASSERT_EQ(create(), ALNG_OK);
  const std::string whole = explanation(plan_);
  char words[11];
  std::memset(words, '?', sizeof words);
  EXPECT_EQ(alng_plan_explain(plan_, words, 10), whole.size());
  EXPECT_EQ(std::string(words), whole.substr(0, 9));
  EXPECT_EQ(words[10], '?');
  EXPECT_EQ(alng_plan_explain(nullptr, words, 10), 0u);
  EXPECT_STREQ(words, "");
}

TEST_F(CDoorCall, TheExecutorIsUsed) {
  struct Context {
    std::atomic<int> calls{0}, tasks{0};
  } context;
  const alng_executor executor{[](void* opaque, std::int32_t count, void (*task)(void*, std::int32_t), void* data) {
                                 ++static_cast<Context*>(opaque)->calls;
                                 static_cast<Context*>(opaque)->tasks += count;
                                 for (std::int32_t i = count; i-- > 0;) task(data, i);
                               },
                               &context};
  options_.threads = 4;
  ASSERT_EQ(create(), ALNG_OK);
  arguments_.executor = &executor;
  const Outcome expected = run_reference(instance_);
  ASSERT_EQ(run(), ALNG_OK) << status_.message;
  EXPECT_EQ(context.calls, 1);
  EXPECT_EQ(context.tasks, 4);
  EXPECT_EQ(difference(instance_, expected, prepared_.outcome()), "");
  ASSERT_EQ(call(), ALNG_OK) << status_.message;
  EXPECT_EQ(context.calls, 2);
}

/// What a caller has whose header is newer: more members behind those that this library knows.
template <class Struct>
struct Newer {
  Struct known;
  std::int64_t later = 0;
};

template <class Struct>
Newer<Struct> newer(const Struct& known) {
  Newer<Struct> result{known};
  result.known.size = sizeof result;
  return result;
}

TEST_F(CDoorCall, StructsOfANewerHeaderAreReadWhereTheirNewMembersAreZero) {
  auto problem = newer(problem_);
  auto options = newer(options_);
  ASSERT_EQ(alng_grad_plan_create(&problem.known, &options.known, &plan_, &status_), ALNG_OK) << status_.message;
  arguments_.workspace = workspace_.data();
  arguments_.workspace_size = workspace_.size();
  auto arguments = newer(arguments_);
  EXPECT_EQ(alng_grad_run(plan_, &arguments.known, &status_), ALNG_OK) << status_.message;
  auto summary = newer(alng_summary{});
  EXPECT_EQ(alng_grad_judge(&problem.known, &summary.known, &status_), ALNG_OK) << status_.message;

  const auto sentence = [](const std::string& name, std::size_t size) {
    return name + " has members behind its first " + std::to_string(size) + " bytes that are not 0 and that alng " +
           version() + " does not know";
  };
  arguments.later = 1;
  expect_said(alng_grad_run(plan_, &arguments.known, &status_), ALNG_UNSUPPORTED,
              sentence("alng_grad_arguments", sizeof arguments_));
  problem.later = 1;
  expect_said(alng_grad_judge(&problem.known, nullptr, &status_), ALNG_UNSUPPORTED,
              sentence("alng_grad_problem", sizeof problem_));
  options.later = 1;
  alng_plan* none = plan_;
  expect_said(alng_grad_plan_create(&problem_, &options.known, &none, &status_), ALNG_UNSUPPORTED,
              sentence("alng_options", sizeof options_));
  EXPECT_EQ(none, nullptr);
  summary.later = 1;
  expect_said(alng_grad_judge(&problem_, &summary.known, &status_), ALNG_UNSUPPORTED,
              sentence("alng_summary", sizeof summary.known));
}

TEST_F(CDoorCall, TheSummaryIsWhatTheCppDoorSays) {
  alng_summary summary{};
  summary.size = sizeof summary;
  ASSERT_EQ(alng_grad_judge(&problem_, &summary, &status_), ALNG_OK) << status_.message;
  const GradProblem problem = GradProblem::create(instance_.description()).value();
  EXPECT_EQ(summary.rows, problem.rows());
  EXPECT_EQ(summary.columns, problem.columns());
  EXPECT_EQ(summary.bytes, problem.bytes());
  EXPECT_EQ(summary.text, problem.to_string());
  problem_.x1.shape[0] += 1;
  expect_said(alng_grad_judge(&problem_, &summary, &status_), ALNG_BAD_SHAPE, "x1 is ");
  EXPECT_EQ(summary.text, problem.to_string()) << "a refusal wrote to it";
}

TEST_F(CDoorCall, WhatIsAllZeroIsAbsent) {
  for (alng_tensor* tensor : {&problem_.x2, &problem_.gamma, &problem_.dsum, &problem_.dx}) {
    const alng_tensor before = *tensor;
    *tensor = {};
    EXPECT_EQ(create(), ALNG_OK) << status_.message;
    *tensor = before;
  }
}

TEST_F(CDoorCall, WithoutAStatusOrAPlan) {
  EXPECT_EQ(alng_grad_run(nullptr, nullptr, nullptr), ALNG_NULL_POINTER);
  EXPECT_EQ(alng_plan_workspace_size(nullptr), 0u);
}

TEST_F(CDoorCall, AMessageIsCutToFit) {
  const std::string name(3000, 'x');
  options_.device = name.c_str();
  std::memset(status_.message, '?', sizeof status_.message);
  expect_said(create(), ALNG_BAD_OPTION, "device is \"xxx");
  EXPECT_EQ(std::strlen(status_.message), sizeof status_.message - 1);
}

TEST(CDoorTensor, ContiguousOfEveryRank) {
  const std::int64_t shape[] = {2, 1, 3, 4, 1, 2, 3, 5};
  for (std::int32_t rank = 1; rank <= ALNG_MAX_RANK; ++rank) {
    const alng_tensor tensor = alng_contiguous(ALNG_BFLOAT16, rank, shape);
    EXPECT_EQ(tensor.dtype, ALNG_BFLOAT16);
    EXPECT_EQ(tensor.rank, rank);
    std::int64_t stride = 1;
    for (std::int32_t d = rank - 1; d >= 0; --d) {
      EXPECT_EQ(tensor.shape[d], shape[d]);
      EXPECT_EQ(tensor.strides[d], stride);
      stride *= shape[d];
    }
  }
  for (const std::int32_t rank : {-1, 0, 9}) EXPECT_EQ(alng_contiguous(ALNG_FLOAT32, rank, shape).rank, rank);
  EXPECT_EQ(alng_contiguous(ALNG_FLOAT32, 2, nullptr).strides[0], 0);
}

TEST(CDoorNames, AreThoseOfTheCppDoor) {
  for (int code = ALNG_OK; code <= ALNG_DEVICE_ERROR + 1; ++code) {
    EXPECT_STREQ(alng_code_name(static_cast<alng_code>(code)), code_name(static_cast<Code>(code)));
  }
  const std::vector<Availability> all = devices();
  alng_availability entry;
  for (std::size_t i = 0; i < all.size(); ++i) {
    ASSERT_EQ(alng_device(static_cast<std::int32_t>(i), &entry), 1);
    EXPECT_EQ(entry.name, all[i].name);
    EXPECT_EQ(entry.reason, all[i].reason);
  }
  for (const int index : {-1, static_cast<int>(all.size())}) EXPECT_EQ(alng_device(index, &entry), 0);
  EXPECT_STREQ(alng_version(), version());
  EXPECT_EQ(alng_canonical_order(), canonical_order());
}

}  // namespace
}  // namespace alng::test
