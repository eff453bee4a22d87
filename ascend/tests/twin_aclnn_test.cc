// aclnn on a named product: the two phases run the package's tiling and kernel for it.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "alng/alng.hpp"
#include "alng_cann.h"
#include "cann/tests/acl_problem.h"

namespace alng::test {
namespace {

// The AclProblem as it is made, 3x4 float32, computed by a device of alng.
std::array<std::vector<float>, 3> results_of(const char* device, AclProblem& problem) {
  std::array<std::vector<float>, 3> results = {std::vector<float>(12), std::vector<float>(4), std::vector<float>(4)};
  GradDescription description = GradDescription::dense(DType::float32, 3, 4);
  GradArguments arguments;
  std::array<std::vector<float>, place_count> inputs;
  for (int place = dy; place <= dsum; ++place) inputs[static_cast<std::size_t>(place)] = problem.values(place);
  arguments.dy = inputs[dy].data();
  arguments.x1 = inputs[x1].data();
  arguments.x2 = inputs[x2].data();
  arguments.rstd = inputs[rstd].data();
  arguments.mean = inputs[mean].data();
  arguments.gamma = inputs[gamma].data();
  arguments.dsum = inputs[dsum].data();
  arguments.dx = results[0].data();
  arguments.dgamma = results[1].data();
  arguments.dbeta = results[2].data();
  PlanOptions options;
  options.device = device;
  const Status status = add_layer_norm_grad(description, arguments, options);
  EXPECT_TRUE(status.ok()) << status.message();
  return results;
}

class TwinAclnn : public testing::Test {
 protected:
  ~TwinAclnn() override {
    ::unsetenv("ALNG_SOC");
    EXPECT_EQ(alngCannSetProduct(nullptr), 0);
  }
};

// Sums of four columns come out differently in a vector's order and in the canonical one, so that bits tell who
// computed.
TEST_F(TwinAclnn, ANamedProductRunsItsOwnKernel) {
  const std::vector<std::pair<const char*, const char*>> products = {{"alng", "cpu"},
                                                                     {"Ascend910B1", "ascend:a2"},
                                                                     {"Ascend910_9392", "ascend:a3"},
                                                                     {"Ascend950PR_9599", "ascend:950pr"},
                                                                     {"Ascend950DT", "ascend:950dt"},
                                                                     {"Ascend310P3", "cpu"}};
  const Session session;
  const TestStream stream;
  for (const auto& [soc, device] : products) {
    SCOPED_TRACE(soc);
    ::setenv("ALNG_SOC", soc, 1);
    ASSERT_EQ(alngCannSetProduct(nullptr), 0);
    AclProblem problem;
    ASSERT_EQ(problem.run(stream.get()), 0) << recent_message();
    const std::array<std::vector<float>, 3> expected = results_of(device, problem);
    EXPECT_EQ(problem.values(dx), expected[0]);
    EXPECT_EQ(problem.values(dgamma), expected[1]);
    EXPECT_EQ(problem.values(dbeta), expected[2]);
  }
}

// The model says how much workspace the kernel of the product needs, and that differs from alng's own.
TEST_F(TwinAclnn, TheWorkspaceIsThatOfTheProduct) {
  const Session session;
  const auto workspace = [](const char* soc) {
    EXPECT_EQ(alngCannSetProduct(soc), 0);
    AclProblem problem;
    EXPECT_EQ(problem.phase_1(), 0) << recent_message();
    EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
    return problem.workspace_size;
  };
  PlanOptions options;
  options.device = "ascend:a2";
  const Result<GradProblem> problem = GradProblem::create(GradDescription::dense(DType::float32, 3, 4));
  ASSERT_TRUE(problem.ok());
  const Result<GradPlan> plan = GradPlan::create(problem.value(), options);
  ASSERT_TRUE(plan.ok());
  EXPECT_GE(workspace("Ascend910B3"), plan->workspace_size());
  EXPECT_NE(workspace("Ascend910B3"), workspace("alng"));
  EXPECT_EQ(alngCannSetProduct(nullptr), 0);
}

TEST_F(TwinAclnn, ModelsAreNoDevicesToCount) {
  const Session session;
  std::uint32_t count = 0;
  ASSERT_EQ(aclrtGetDeviceCount(&count), 0);
  EXPECT_EQ(count, 1u);
}

}  // namespace
}  // namespace alng::test
