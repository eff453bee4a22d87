// What run refuses: by which code, in which words, and with every output left as it was. src/problem's own tests try
// the rules one by one; here they are tried through the door, on every device.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "alng/alng.hpp"

namespace alng::test {
namespace {

constexpr std::int64_t rows = 5, columns = 12;

/// A small problem in one block of memory, ready to run, to be spoilt by a test.
class Refusal : public testing::TestWithParam<const char*> {
 protected:
  static GradPlan make_plan(const GradDescription& description) {
    PlanOptions options;
    options.device = GetParam();
    return GradPlan::create(GradProblem::create(description).value(), options).value();
  }

  Refusal() : plan_(make_plan(GradDescription::dense(DType::float32, rows, columns))), memory_(2000, 0.5f) {
    float* next = memory_.data() + 100;
    const auto take = [&next](std::int64_t count) {
      float* here = next;
      next += count + 8;
      return here;
    };
    arguments_.dy = take(rows * columns);
    arguments_.x1 = take(rows * columns);
    arguments_.x2 = take(rows * columns);
    arguments_.dsum = take(rows * columns);
    arguments_.rstd = take(rows);
    arguments_.mean = take(rows);
    arguments_.gamma = take(columns);
    arguments_.dx = take(rows * columns);
    arguments_.dgamma = take(columns);
    arguments_.dbeta = take(columns);
    workspace_.resize(plan_.workspace_size() + 64);
    arguments_.workspace = workspace_.data();
    arguments_.workspace_size = plan_.workspace_size();
  }

  void expect_refused(Code code, const std::vector<std::string>& words) {
    const std::vector<float> before = memory_;
    const Status status = plan_.run(arguments_);
    EXPECT_EQ(status.code(), code) << code_name(status.code()) << ": " << status.message();
    for (const std::string& word : words) {
      EXPECT_NE(status.message().find(word), std::string::npos) << word << " in: " << status.message();
    }
    EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
    EXPECT_EQ(std::memcmp(before.data(), memory_.data(), before.size() * sizeof(float)), 0) << "something was written";
  }

  static float* floats(const void* pointer) { return static_cast<float*>(const_cast<void*>(pointer)); }

  GradPlan plan_;
  std::vector<float> memory_;
  std::vector<std::byte> workspace_;
  GradArguments arguments_;
};

TEST_P(Refusal, NothingIsRefusedWithoutAReason) {
  const Status status = plan_.run(arguments_);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(status.message().empty());
}

TEST_P(Refusal, EveryMissingPointerIsNamed) {
  const std::vector<std::pair<const char*, std::function<void(GradArguments&)>>> missing = {
      {"dy", [](GradArguments& a) { a.dy = nullptr; }},         {"x1", [](GradArguments& a) { a.x1 = nullptr; }},
      {"x2", [](GradArguments& a) { a.x2 = nullptr; }},         {"rstd", [](GradArguments& a) { a.rstd = nullptr; }},
      {"mean", [](GradArguments& a) { a.mean = nullptr; }},     {"gamma", [](GradArguments& a) { a.gamma = nullptr; }},
      {"dsum", [](GradArguments& a) { a.dsum = nullptr; }},     {"dx", [](GradArguments& a) { a.dx = nullptr; }},
      {"dgamma", [](GradArguments& a) { a.dgamma = nullptr; }}, {"dbeta", [](GradArguments& a) { a.dbeta = nullptr; }}};
  const GradArguments complete = arguments_;
  for (const auto& [name, remove] : missing) {
    SCOPED_TRACE(name);
    arguments_ = complete;
    remove(arguments_);
    expect_refused(Code::null_pointer, {name, "null"});
  }
}

TEST_P(Refusal, APointerForATensorTheProblemLacksIsNamed) {
  GradDescription description = GradDescription::dense(DType::float32, rows, columns);
  description.dsum.reset();
  plan_ = make_plan(description);
  expect_refused(Code::null_pointer, {"dsum", "must be null"});
}

TEST_P(Refusal, AnExecutorWithoutAFunction) {
  const Executor executor;
  arguments_.executor = &executor;
  expect_refused(Code::null_pointer, {"executor"});
}

TEST_P(Refusal, AWorkspaceThatIsTooSmallByOneByte) {
  ASSERT_GT(plan_.workspace_size(), 0u);
  arguments_.workspace_size = plan_.workspace_size() - 1;
  expect_refused(Code::bad_workspace,
                 {"workspace", std::to_string(plan_.workspace_size() - 1), std::to_string(plan_.workspace_size())});
}

TEST_P(Refusal, AWorkspaceThatIsNull) {
  arguments_.workspace = nullptr;
  expect_refused(Code::bad_workspace, {"workspace", "null", std::to_string(plan_.workspace_size())});
}

TEST_P(Refusal, DxOneElementBehindDy) {
  arguments_.dx = floats(arguments_.dy) + 1;
  expect_refused(Code::overlap, {"dx", "dy"});
}

TEST_P(Refusal, DxReachingIntoDsum) {
  arguments_.dx = floats(arguments_.dsum) - rows * columns + 1;
  arguments_.x2 = arguments_.x1;  // dx would also lie over x2's own place
  expect_refused(Code::overlap, {"dx", "dsum"});
}

TEST_P(Refusal, DxOverAnInputThatIsNotLikeIt) {
  arguments_.dx = floats(arguments_.gamma);
  expect_refused(Code::overlap, {"dx", "gamma"});
}

TEST_P(Refusal, DgammaOverGamma) {
  arguments_.dgamma = floats(arguments_.gamma);
  expect_refused(Code::overlap, {"dgamma", "gamma"});
}

TEST_P(Refusal, DbetaOverDgamma) {
  arguments_.dbeta = arguments_.dgamma;
  expect_refused(Code::overlap, {"dbeta", "dgamma"});
}

TEST_P(Refusal, AnInputInsideTheWorkspace) {
  ASSERT_GE(plan_.workspace_size(), sizeof(float) * rows);
  arguments_.mean = reinterpret_cast<const float*>((reinterpret_cast<std::uintptr_t>(workspace_.data()) + 3) /
                                                   sizeof(float) * sizeof(float));
  expect_refused(Code::overlap, {"workspace", "mean"});
}

TEST_P(Refusal, AnOutputInsideTheWorkspace) {
  arguments_.workspace = arguments_.dx;
  expect_refused(Code::overlap, {"workspace", "dx"});
}

INSTANTIATE_TEST_SUITE_P(Device, Refusal, testing::Values("reference", "cpu"));

TEST(PlanRefusal, UnknownNamesAreListedWithTheKnownOnes) {
  const GradProblem problem = GradProblem::create(GradDescription::dense(DType::float32, rows, columns)).value();
  PlanOptions options;
  options.device = "gpu7";
  Status status = GradPlan::create(problem, options).status();
  EXPECT_EQ(status.code(), Code::bad_option);
  for (const char* word : {"gpu7", "cpu", "reference"}) EXPECT_NE(status.message().find(word), std::string::npos);
  options = {};
  options.isa = "mmx";
  status = GradPlan::create(problem, options).status();
  EXPECT_EQ(status.code(), Code::bad_option);
  for (const char* word : {"mmx", "scalar", "avx2"}) EXPECT_NE(status.message().find(word), std::string::npos);
  options = {};
  options.threads = -1;
  status = GradPlan::create(problem, options).status();
  EXPECT_EQ(status.code(), Code::bad_option);
  EXPECT_NE(status.message().find("-1"), std::string::npos) << status.message();
}

TEST(OneCall, DoesWhatProblemPlanAndRunDo) {
  std::vector<float> dy = {1, 2, 3, 4}, x1 = {-1, 0, 1, 4}, gamma = {2, 1, 1, 0.5f}, dsum = {10, 20, 30, 40};
  std::vector<float> dx(4), dgamma(4), dbeta(4);
  const float rstd = 0.5f, mean = 1;
  GradDescription description = GradDescription::dense(DType::float32, 1, 4);
  description.x2.reset();
  GradArguments arguments;
  arguments.dy = dy.data();
  arguments.x1 = x1.data();
  arguments.rstd = &rstd;
  arguments.mean = &mean;
  arguments.gamma = gamma.data();
  arguments.dsum = dsum.data();
  arguments.dx = dx.data();
  arguments.dgamma = dgamma.data();
  arguments.dbeta = dbeta.data();
  const Status status = add_layer_norm_grad(description, arguments);
  ASSERT_TRUE(status.ok()) << status.message();
  // By hand: w = {2, 2, 3, 2}, m1 = 2.25, m2 = 0, dx = 0.5 * (w - 2.25) + dsum.
  EXPECT_EQ(dx, (std::vector<float>{9.875f, 19.875f, 30.375f, 39.875f}));
  EXPECT_EQ(dgamma, (std::vector<float>{-1, -1, 0, 6}));
  EXPECT_EQ(dbeta, (std::vector<float>{1, 2, 3, 4}));
}

TEST(OneCall, RefusesWithTheReasonOfWhoeverRefuses) {
  GradDescription description = GradDescription::dense(DType::float32, 1, 4);
  Status status = add_layer_norm_grad(description, {});
  EXPECT_EQ(status.code(), Code::null_pointer) << status.message();
  description.dy.rank = 0;
  status = add_layer_norm_grad(description, {});
  EXPECT_EQ(status.code(), Code::bad_shape) << status.message();
  EXPECT_NE(status.message().find("dy"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace alng::test
