// The devices ascend:*: the whole case list through alng's own door, on the package's tiling and kernel.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ascend/twin/operator.h"
#include "cases/element.h"
#include "operator/accuracy.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Case;
using cases::Instance;
using cases::Values;

// Where no bound is promised: what is not a number or infinite is so in both, and finite values are near. Numbers at
// the edge of overflow may end on either side of it, in another order of the sums.
std::string far_from_reference(const Instance& instance, const Outcome& expected, const Outcome& got) {
  const Case& what = instance.what();
  for (int t = grad::dx; t < grad::count; ++t) {
    const auto o = static_cast<std::size_t>(t - grad::dx);
    const DType dtype = t == grad::dx ? what.dtype : DType::float32;
    const std::size_t count = expected.outputs[o].size() / dtype_size(dtype);
    double largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double value = cases::load(dtype, expected.outputs[o].data() + i * dtype_size(dtype));
      if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
    }
    for (std::size_t i = 0; i < count; ++i) {
      const double want = cases::load(dtype, expected.outputs[o].data() + i * dtype_size(dtype));
      const double have = cases::load(dtype, got.outputs[o].data() + i * dtype_size(dtype));
      if (std::isfinite(want) != std::isfinite(have)) {
        if (what.values == Values::huge) continue;
        return std::string(grad::operands[static_cast<std::size_t>(t)].name) + " at " + std::to_string(i) + ": " +
               std::to_string(have) + " instead of " + std::to_string(want);
      }
      if (!std::isfinite(want)) continue;
      if (std::fabs(want - have) > 1e-5 * largest + cases::ulp(dtype, want)) {
        return std::string(grad::operands[static_cast<std::size_t>(t)].name) + " at " + std::to_string(i) + ": " +
               std::to_string(have) + " but the reference has " + std::to_string(want);
      }
    }
  }
  return {};
}

Outcome run_on(const Instance& instance, const char* device, int cores = 0) {
  HowToRun how;
  how.plan.device = device;
  how.plan.threads = cores;
  return run_case(instance, how);
}

void check_case(const Case& what, const char* device) {
  const Instance instance(what);
  const Outcome got = run_on(instance, device);
  ASSERT_TRUE(got.status.ok()) << got.status.message();
  EXPECT_EQ(got.damage, "");
  if (has_bounds(what)) {
    EXPECT_EQ(beyond_bounds(instance, truth_of(instance), got), "");
  } else {
    EXPECT_EQ(far_from_reference(instance, run_reference(instance), got), "");
  }
}

class Ascend950Pr : public testing::TestWithParam<Case> {};
class Ascend950Dt : public testing::TestWithParam<Case> {};
class AscendA3 : public testing::TestWithParam<Case> {};
class AscendA2 : public testing::TestWithParam<Case> {};

TEST_P(Ascend950Pr, IsWithinTheBounds) { check_case(GetParam(), "ascend:950pr"); }
TEST_P(Ascend950Dt, IsWithinTheBounds) { check_case(GetParam(), "ascend:950dt"); }
TEST_P(AscendA3, IsWithinTheBounds) { check_case(GetParam(), "ascend:a3"); }
TEST_P(AscendA2, IsWithinTheBounds) { check_case(GetParam(), "ascend:a2"); }

INSTANTIATE_TEST_SUITE_P(Fast, Ascend950Pr, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, Ascend950Pr, testing::ValuesIn(slow(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Fast, Ascend950Dt, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, Ascend950Dt, testing::ValuesIn(slow(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Fast, AscendA3, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, AscendA3, testing::ValuesIn(slow(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Fast, AscendA2, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, AscendA2, testing::ValuesIn(slow(cases::all_cases())), case_name);

class AscendDevice : public testing::TestWithParam<const char*> {};

// One case of each line of the list that is not large: the same bits from run to run and for any number of cores.
TEST_P(AscendDevice, GivesTheSameBitsForAnyNumberOfCores) {
  std::string line;
  for (const Case& what : cases::all_cases()) {
    if (what.incident == line || what.elements() > 100'000 || what.elements() == 0) continue;
    line = what.incident;
    const Instance instance(what);
    const Outcome first = run_on(instance, GetParam());
    ASSERT_TRUE(first.status.ok()) << what.name << ": " << first.status.message();
    for (const int cores : {0, 1, 20, 40, 48, 72}) {
      EXPECT_EQ(difference(instance, first, run_on(instance, GetParam(), cores)), "") << what.name << " on " << cores;
    }
  }
}

TEST_P(AscendDevice, IsListedAndNeverChosenUnasked) {
  const std::vector<Availability> all = devices();
  const auto found = std::ranges::find_if(all, [](const Availability& device) { return device.name == GetParam(); });
  ASSERT_NE(found, all.end());
  EXPECT_TRUE(found->available);
  EXPECT_NE(found->reason.find("on a host model, very slow"), std::string::npos) << found->reason;
  const Result<GradProblem> problem = GradProblem::create(GradDescription::dense(DType::float16, 64, 1024));
  ASSERT_TRUE(problem.ok());
  const Result<GradPlan> unasked = GradPlan::create(problem.value());
  ASSERT_TRUE(unasked.ok());
  EXPECT_EQ(unasked->device(), "cpu");
  PlanOptions options;
  options.device = GetParam();
  const Result<GradPlan> asked = GradPlan::create(problem.value(), options);
  ASSERT_TRUE(asked.ok()) << asked.status().message();
  EXPECT_EQ(asked->device(), GetParam());
  for (const char* part : {"product: A", ", on a host model: exact and slow\n",
                           "tiling key: ", "unified buffer: ", "kernel workspace: "}) {
    EXPECT_NE(asked->explain().find(part), std::string::npos) << part << asked->explain();
  }
}

TEST_P(AscendDevice, HasNoInstructionSets) {
  const Result<GradProblem> problem = GradProblem::create(GradDescription::dense(DType::float16, 64, 1024));
  PlanOptions options;
  options.device = GetParam();
  options.isa = "avx2";
  const Result<GradPlan> plan = GradPlan::create(problem.value(), options);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), Code::unsupported);
  EXPECT_EQ(plan.status().message(),
            std::string(GetParam()) + " has no instruction sets to choose from, but isa is \"avx2\"");
}

TEST_P(AscendDevice, RefusesTheForward) {
  const Result<ForwardProblem> problem = ForwardProblem::create(ForwardDescription::dense(DType::float16, 64, 1024));
  PlanOptions options;
  options.device = GetParam();
  const Result<ForwardPlan> plan = ForwardPlan::create(problem.value(), options);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), Code::unsupported);
  EXPECT_EQ(plan.status().message(),
            std::string(GetParam()) +
                " has AddLayerNormGrad alone, not AddLayerNorm: on the product itself CANN's own "
                "aclnnAddLayerNorm computes it");
}

TEST_P(AscendDevice, RefusesRowsBeyondTheOperator) {
  const Result<GradProblem> problem = GradProblem::create(GradDescription::dense(DType::float16, 1, (1 << 20) + 1));
  PlanOptions options;
  options.device = GetParam();
  const Result<GradPlan> plan = GradPlan::create(problem.value(), options);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), Code::unsupported);
  EXPECT_NE(plan.status().message().find("1048577"), std::string::npos) << plan.status().message();
}

INSTANTIATE_TEST_SUITE_P(Products, AscendDevice,
                         testing::Values("ascend:950pr", "ascend:950dt", "ascend:a3", "ascend:a2"),
                         [](const auto& device) { return std::string(device.param).substr(7); });

// Registers are loaded through pointers to UB; the kernel's own code must not follow them.
TEST(AscendDevices, NoKernelTouchesUbBesideItsInstructions) {
  for (const twin::Product& product : twin::products()) {
    for (const std::int64_t columns : {100, 30000}) {
      twin::OperatorProblem problem;
      problem.rows = 50;
      problem.columns = columns;
      problem.dtype = problem.gamma_dtype = DType::float16;
      const twin::OperatorTiling tiling = twin::tile(problem, product);
      ASSERT_EQ(tiling.refusal, "");
      const std::vector<std::uint16_t> tensor(static_cast<std::size_t>(problem.rows * columns));
      const std::vector<float> statistic(static_cast<std::size_t>(problem.rows), 1);
      std::vector<std::uint16_t> dx(tensor.size());
      std::vector<float> dgamma(static_cast<std::size_t>(columns)), dbeta(dgamma.size());
      std::vector<std::byte> workspace(tiling.result.workspace_bytes);
      twin::OperatorArguments arguments;
      arguments.dy = arguments.x1 = arguments.x2 = arguments.gamma = arguments.dsum = tensor.data();
      arguments.rstd = arguments.mean = statistic.data();
      arguments.dx = dx.data();
      arguments.dgamma = dgamma.data();
      arguments.dbeta = dbeta.data();
      arguments.workspace = workspace.data();
      const twin::Report report = twin::run(problem, arguments, product, tiling.result, false, true);
      EXPECT_EQ(report.sentences(), "") << product.title << ", " << columns << " columns";
    }
  }
}

TEST(AscendDevices, UnknownOnesAreRefusedWithTheList) {
  const Result<GradProblem> problem = GradProblem::create(GradDescription::dense(DType::float16, 64, 1024));
  PlanOptions options;
  options.device = "ascend:a5";
  const Result<GradPlan> plan = GradPlan::create(problem.value(), options);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), Code::bad_option);
  EXPECT_EQ(plan.status().message(),
            "device is \"ascend:a5\" but must be one of cpu, reference, cuda, ascend:950pr, ascend:950dt, ascend:a3, "
            "ascend:a2, "
            "or empty for cpu");
}

}  // namespace
}  // namespace alng::test
