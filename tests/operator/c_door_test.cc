// The C interface: every field of the problem, the options, the executor and the status arrives. Every case of the list
// gives the bits of the reference, every code comes through, and messages are cut to fit.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "alng/alng.h"
#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/prepared_run.h"

namespace alng::test {
namespace {

using cases::Instance;

alng_tensor in_c(const TensorLayout* layout) {
  alng_tensor tensor{};
  if (layout == nullptr) return tensor;
  tensor.dtype = static_cast<std::int32_t>(layout->dtype);
  tensor.rank = layout->rank;
  std::copy(layout->shape.begin(), layout->shape.end(), tensor.shape);
  std::copy(layout->strides.begin(), layout->strides.end(), tensor.strides);
  return tensor;
}

alng_grad_problem in_c(const GradDescription& d) {
  const auto of = [&](grad::Place place) { return in_c(layout_at(d, place)); };
  return {sizeof(alng_grad_problem), of(grad::dy),   of(grad::x1), of(grad::x2),     of(grad::rstd),  of(grad::mean),
          of(grad::gamma),           of(grad::dsum), of(grad::dx), of(grad::dgamma), of(grad::dbeta), d.normalized_dims,
          d.accumulate ? 1 : 0};
}

alng_grad_arguments in_c(const GradArguments& a) {
  return {sizeof(alng_grad_arguments),
          a.dy,
          a.x1,
          a.x2,
          a.rstd,
          a.mean,
          a.gamma,
          a.dsum,
          a.dx,
          a.dgamma,
          a.dbeta,
          a.workspace,
          a.workspace_size,
          nullptr,
          nullptr};
}

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

/// A small problem, ready to be spoilt.
class CDoorCall : public testing::Test {
 protected:
  alng_code create() {
    alng_plan_destroy(plan_);
    plan_ = reinterpret_cast<alng_plan*>(this);  // a refusal must set it to null
    const alng_code code = alng_grad_plan_create(&problem_, &options_, &plan_, &status_);
    EXPECT_EQ(plan_ != nullptr, code == ALNG_OK);
    return code;
  }
  alng_code run() { return alng_grad_run(plan_, &arguments_, &status_); }
  ~CDoorCall() override { alng_plan_destroy(plan_); }

  void expect_said(alng_code code, alng_code expected, const std::vector<std::string>& words) const {
    EXPECT_EQ(code, expected) << status_.message;
    EXPECT_EQ(status_.code, expected);
    for (const std::string& word : words) {
      EXPECT_NE(std::string(status_.message).find(word), std::string::npos) << word << " in: " << status_.message;
    }
  }

  const Instance instance_{case_named("threads_options_fp32_gammaT_dsum_x2")};
  PreparedRun prepared_{instance_, {}};
  std::vector<std::byte> workspace_ = std::vector<std::byte>(2 << 20);
  alng_grad_problem problem_ = in_c(instance_.description());
  alng_options options_{sizeof options_, nullptr, nullptr, 0};
  alng_grad_arguments arguments_ = [this] {
    alng_grad_arguments arguments = in_c(prepared_.arguments);
    arguments.workspace = workspace_.data();
    arguments.workspace_size = workspace_.size();
    return arguments;
  }();
  alng_plan* plan_ = nullptr;
  alng_status status_{};
};

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
  ASSERT_EQ(alng_add_layer_norm_grad(&problem_, &arguments_, &options_, &status_), ALNG_OK) << status_.message;
  EXPECT_EQ(context.calls, 2);
  const alng_executor none{nullptr, nullptr};
  arguments_.executor = &none;
  expect_said(run(), ALNG_NULL_POINTER, {"executor"});
}

TEST_F(CDoorCall, RefusalsOfAProblem) {
  const alng_grad_problem right = problem_;
  problem_.x2.dtype = 7;
  expect_said(create(), ALNG_BAD_DTYPE, {"x2", "7"});
  expect_said(alng_add_layer_norm_grad(&problem_, &arguments_, nullptr, &status_), ALNG_BAD_DTYPE, {"x2", "7"});
  problem_ = right;
  problem_.dbeta.shape[0] = 12;
  expect_said(create(), ALNG_BAD_SHAPE, {"dbeta", "12"});
  problem_ = right;
  problem_.mean.rank = 9;
  expect_said(create(), ALNG_BAD_SHAPE, {"mean", "rank 9"});
  problem_ = right;
  problem_.dx.strides[0] = 0;
  expect_said(create(), ALNG_BAD_STRIDE, {"dx"});
  problem_ = right;
  problem_.normalized_dims = 3;
  expect_said(create(), ALNG_BAD_OPTION, {"normalized_dims", "3"});
  problem_ = right;
  // What is required is never taken for absent.
  for (alng_tensor* tensor : {&problem_.dy, &problem_.x1, &problem_.rstd, &problem_.mean}) {
    const alng_tensor before = *tensor;
    *tensor = {};
    expect_said(create(), ALNG_BAD_DTYPE, {"dtype number 0"});
    *tensor = before;
  }
}

TEST_F(CDoorCall, ATensorWithADtypeAndNoRankIsNotAbsent) {
  for (alng_tensor* tensor : {&problem_.x2, &problem_.gamma, &problem_.dsum, &problem_.dx}) {
    const alng_tensor before = *tensor;
    tensor->rank = 0;
    expect_said(create(), ALNG_BAD_SHAPE, {"rank 0"});
    *tensor = {};
    EXPECT_EQ(create(), ALNG_OK) << status_.message;
    *tensor = before;
  }
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

  arguments.later = 1;
  expect_said(alng_grad_run(plan_, &arguments.known, &status_), ALNG_UNSUPPORTED, {"alng_grad_arguments", version()});
  problem.later = 1;
  expect_said(alng_grad_judge(&problem.known, nullptr, &status_), ALNG_UNSUPPORTED, {"alng_grad_problem", version()});
  options.later = 1;
  alng_plan* none = plan_;
  expect_said(alng_grad_plan_create(&problem_, &options.known, &none, &status_), ALNG_UNSUPPORTED, {"alng_options"});
  EXPECT_EQ(none, nullptr);
  summary.later = 1;
  expect_said(alng_grad_judge(&problem_, &summary.known, &status_), ALNG_UNSUPPORTED, {"alng_summary"});
}

TEST_F(CDoorCall, ASizeThatNoHeaderHasIsRefused) {
  ASSERT_EQ(create(), ALNG_OK);
  arguments_.size = 0;
  expect_said(run(), ALNG_BAD_OPTION, {"the size of alng_grad_arguments is 0", std::to_string(sizeof arguments_)});
  options_.size = 8;
  expect_said(create(), ALNG_BAD_OPTION, {"the size of alng_options is 8"});
  problem_.size = sizeof problem_ - 1;
  expect_said(create(), ALNG_BAD_OPTION, {"the size of alng_grad_problem is " + std::to_string(sizeof problem_ - 1)});
  alng_summary summary{};
  expect_said(alng_grad_judge(&problem_, &summary, &status_), ALNG_BAD_OPTION, {"the size of alng_summary is 0"});
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
  expect_said(alng_grad_judge(&problem_, &summary, &status_), ALNG_BAD_SHAPE, {"x1"});
  EXPECT_EQ(summary.text, problem.to_string()) << "a refusal wrote to it";
}

TEST_F(CDoorCall, RefusalsOfOptions) {
  options_.threads = -2;
  expect_said(create(), ALNG_BAD_OPTION, {"threads", "-2"});
  options_ = {sizeof options_, "gpu7", nullptr, 0};
  expect_said(create(), ALNG_BAD_OPTION, {"gpu7", "reference"});
  options_ = {sizeof options_, nullptr, "mmx", 0};
  expect_said(create(), ALNG_BAD_OPTION, {"mmx", "scalar"});
  options_ = {sizeof options_, "reference", "avx2", 0};
  expect_said(create(), ALNG_UNSUPPORTED, {"avx2"});
}

TEST_F(CDoorCall, RefusalsOfARun) {
  options_.threads = 2;
  ASSERT_EQ(create(), ALNG_OK);
  const alng_grad_arguments right = arguments_;
  const auto refused = [&](alng_code code, const std::vector<std::string>& words) {
    const Outcome before = prepared_.outcome();
    expect_said(run(), code, words);
    EXPECT_EQ(difference(instance_, before, prepared_.outcome()), "") << "something was written";
    arguments_ = right;
  };
  arguments_.dsum = nullptr;
  refused(ALNG_NULL_POINTER, {"dsum", "null"});
  arguments_.rstd = reinterpret_cast<const float*>(reinterpret_cast<const char*>(right.rstd) + 1);
  refused(ALNG_BAD_STRIDE, {"rstd"});
  arguments_.dgamma = right.dbeta;
  refused(ALNG_OVERLAP, {"dgamma", "dbeta"});
  arguments_.workspace = nullptr;
  refused(ALNG_BAD_WORKSPACE, {"null"});
  arguments_.workspace_size = alng_plan_workspace_size(plan_) - 1;
  refused(ALNG_BAD_WORKSPACE, {std::to_string(alng_plan_workspace_size(plan_))});
  arguments_.stream = this;
  refused(ALNG_BAD_OPTION, {"the stream is given", "cpu"});
  EXPECT_EQ(run(), ALNG_OK) << status_.message;
}

TEST_F(CDoorCall, NullIsRefusedByName) {
  ASSERT_EQ(create(), ALNG_OK);
  alng_plan* none = plan_;
  expect_said(alng_grad_plan_create(nullptr, nullptr, &none, &status_), ALNG_NULL_POINTER, {"problem is null"});
  EXPECT_EQ(none, nullptr);
  expect_said(alng_grad_plan_create(&problem_, nullptr, nullptr, &status_), ALNG_NULL_POINTER, {"plan is null"});
  expect_said(alng_grad_run(nullptr, &arguments_, &status_), ALNG_NULL_POINTER, {"plan is null"});
  ASSERT_EQ(create(), ALNG_OK);
  expect_said(alng_grad_run(plan_, nullptr, &status_), ALNG_NULL_POINTER, {"arguments is null"});
  expect_said(alng_add_layer_norm_grad(nullptr, &arguments_, nullptr, &status_), ALNG_NULL_POINTER,
              {"problem is null"});
  expect_said(alng_add_layer_norm_grad(&problem_, nullptr, nullptr, &status_), ALNG_NULL_POINTER,
              {"arguments is null"});
  EXPECT_EQ(alng_plan_workspace_size(nullptr), 0u);
  // Without a status the code alone.
  EXPECT_EQ(alng_grad_run(nullptr, nullptr, nullptr), ALNG_NULL_POINTER);
}

TEST_F(CDoorCall, AMessageIsCutToFit) {
  const std::string name(3000, 'x');
  options_.device = name.c_str();
  std::memset(status_.message, '?', sizeof status_.message);
  expect_said(create(), ALNG_BAD_OPTION, {"device is \"xxx"});
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
