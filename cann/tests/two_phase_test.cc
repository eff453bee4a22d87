// The two phases, executors, and what of the operator is aclnn's own.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "cann/tests/acl_problem.h"

namespace alng::test {
namespace {

class TwoPhases : public testing::Test {
 protected:
  void expect_right(const AclProblem& problem) {
    const auto expected = expected_results();
    EXPECT_EQ(problem.values(dx), expected[0]);
    EXPECT_EQ(problem.values(dgamma), expected[1]);
    EXPECT_EQ(problem.values(dbeta), expected[2]);
  }

  // Shapes for rows x columns, with memory to match.
  static void resize(AclProblem& problem, std::vector<std::int64_t> rows, std::vector<std::int64_t> columns) {
    std::vector<std::int64_t> full = rows, statistics = rows;
    full.insert(full.end(), columns.begin(), columns.end());
    statistics.resize(full.size(), 1);
    for (int place = 0; place < place_count; ++place) {
      TensorSpec& spec = problem.specs[static_cast<std::size_t>(place)];
      spec.shape = place == rstd || place == mean                        ? statistics
                   : place == gamma || place == dgamma || place == dbeta ? columns
                                                                         : full;
      spec.storage = spec.shape;
      std::size_t size = sizeof(float);
      for (const std::int64_t extent : spec.shape) size *= static_cast<std::size_t>(extent);
      problem.memory(place) = DeviceMemory(std::vector<std::byte>(size, std::byte{0x3F}));
      spec.data = problem.memory(place).get();
    }
  }

  Session session_;
  TestStream stream_;
};

TEST_F(TwoPhases, GiveTheCppInterfacesBits) {
  AclProblem problem;
  ASSERT_EQ(problem.run(stream_.get()), 0) << recent_message();
  EXPECT_GT(problem.workspace_size, 0U);
  expect_right(problem);
}

TEST_F(TwoPhases, WorkInTheContextsOwnStream) {
  AclProblem problem;
  ASSERT_EQ(problem.run(nullptr), 0) << recent_message();
  expect_right(problem);
}

TEST_F(TwoPhases, NeedTheTensorsNoLongerThanTheFirst) {
  AclProblem problem;
  ASSERT_EQ(problem.phase_1(), 0);
  for (int place = 0; place < place_count; ++place) problem.destroy(place);
  ASSERT_EQ(problem.phase_2(stream_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  expect_right(problem);
}

TEST_F(TwoPhases, UseTheExecutorUp) {
  AclProblem problem;
  ASSERT_EQ(problem.run(stream_.get()), 0);
  expect_refused(problem.phase_2(stream_.get()), 161002, "was used up by the second");
  EXPECT_EQ(aclSetAclOpExecutorRepeatable(problem.executor), 161002);
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 161002);
}

TEST_F(TwoPhases, LeaveTheExecutorWhereTheyRefuse) {
  AclProblem problem;
  ASSERT_EQ(problem.phase_1(), 0);
  expect_refused(
      aclnnAddLayerNormGrad(problem.workspace(), problem.workspace_size - 1, problem.executor, stream_.get()), 161002,
      "workspaceSize is " + std::to_string(problem.workspace_size - 1) + " but must be at least " +
          std::to_string(problem.workspace_size));
  EXPECT_EQ(aclnnAddLayerNormGrad(nullptr, problem.workspace_size, problem.executor, stream_.get()), 161001);
  EXPECT_EQ(aclnnAddLayerNormGrad(problem.workspace(), problem.workspace_size, problem.executor, problem.executor),
            361001);
  EXPECT_EQ(problem.phase_2(stream_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  expect_right(problem);
}

TEST_F(TwoPhases, RepeatAndTakeNewAddresses) {
  AclProblem problem, other;
  ASSERT_EQ(problem.phase_1(), 0);
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(problem.executor), 0);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(problem.phase_2(stream_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  expect_right(problem);

  // Outputs in the other problem's memory: by number among all, and among the outputs.
  const auto untouched = problem.values(dx);
  EXPECT_EQ(aclSetTensorAddr(problem.executor, 7, problem.tensor(dx), other.memory(dx).get()), 0);
  EXPECT_EQ(aclSetOutputTensorAddr(problem.executor, 1, problem.tensor(dgamma), other.memory(dgamma).get()), 0);
  EXPECT_EQ(aclSetOutputTensorAddr(problem.executor, 2, other.made(dbeta), other.memory(dbeta).get()), 0);
  EXPECT_EQ(aclSetInputTensorAddr(problem.executor, 6, problem.tensor(dsum), other.memory(dsum).get()), 0);
  ASSERT_EQ(problem.phase_2(stream_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  expect_right(other);
  EXPECT_EQ(problem.values(dx), untouched);
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
  EXPECT_EQ(problem.phase_2(stream_.get()), 161002);
}

TEST_F(TwoPhases, ARefreshedAddressIsThatOfTheStorage) {
  AclProblem problem;
  ASSERT_EQ(problem.phase_1(), 0);
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(problem.executor), 0);
  // dx two elements into longer memory.
  constexpr std::size_t offset = 2;
  const DeviceMemory longer(problem.memory(dx).size() + offset * sizeof(float));
  TensorSpec spec = problem.specs[dx];
  spec.offset = offset;
  aclTensor* const tensor = create_tensor(spec);
  EXPECT_EQ(aclSetTensorAddr(problem.executor, 7, tensor, longer.get()), 0);
  EXPECT_EQ(aclDestroyTensor(tensor), 0);
  ASSERT_EQ(problem.phase_2(stream_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  const std::vector<std::byte> bytes = longer.contents();
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  EXPECT_EQ(std::vector<float>(offset), std::vector<float>(values.begin(), values.begin() + offset));
  EXPECT_EQ(expected_results()[0], std::vector<float>(values.begin() + offset, values.end()));
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
}

TEST_F(TwoPhases, CountOnlyTensorsThatAreThere) {
  AclProblem problem;
  problem.specs[dsum].present = false;
  ASSERT_EQ(problem.phase_1(), 0);
  // Without dsum, number 6 is dx; 9 is one too many.
  EXPECT_EQ(aclSetTensorAddr(problem.executor, 6, problem.tensor(dx), problem.memory(dx).get()), 0);
  expect_refused(aclSetTensorAddr(problem.executor, 6, problem.tensor(dgamma), problem.memory(dgamma).get()), 161002,
                 "tensor is not like dxOut, number 6 of the executor, which is float32[3, 4]");
  expect_refused(aclSetTensorAddr(problem.executor, 9, problem.tensor(dbeta), problem.memory(dbeta).get()), 161002,
                 "index is 9 but must be less than 9");
  EXPECT_EQ(aclSetInputTensorAddr(problem.executor, 6, problem.tensor(dy), problem.memory(dy).get()), 161002);
  EXPECT_EQ(aclSetOutputTensorAddr(problem.executor, 3, problem.tensor(dx), problem.memory(dx).get()), 161002);
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
}

TEST_F(TwoPhases, QueuedRunsKeepTheirAddresses) {
  AclProblem problem, other;
  aclrtEvent gate = nullptr;
  ASSERT_EQ(aclrtCreateEvent(&gate), 0);
  ASSERT_EQ(problem.phase_1(), 0);
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(problem.executor), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(stream_.get(), gate), 0);
  ASSERT_EQ(problem.phase_2(stream_.get()), 0);
  ASSERT_EQ(aclSetTensorAddr(problem.executor, 7, problem.tensor(dx), other.memory(dx).get()), 0);
  ASSERT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
  ASSERT_EQ(aclrtRecordEvent(gate, nullptr), 0);
  ASSERT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  expect_right(problem);
  aclrtDestroyEvent(gate);
}

TEST_F(TwoPhases, TakeGammaAndDsumOrNot) {
  for (const bool with_gamma : {true, false}) {
    for (const bool with_dsum : {true, false}) {
      AclProblem problem;
      problem.specs[gamma].present = with_gamma;
      problem.specs[dsum].present = with_dsum;
      ASSERT_EQ(problem.run(stream_.get()), 0) << recent_message();
      const auto expected = expected_results();
      EXPECT_EQ(problem.values(dbeta), expected[2]);
      EXPECT_EQ(problem.values(dx) == expected[0], with_gamma && with_dsum);
    }
  }
}

TEST_F(TwoPhases, GiveZerosForNoRows) {
  AclProblem problem;
  resize(problem, {0}, {4});
  ASSERT_EQ(problem.run(stream_.get()), 0) << recent_message();
  EXPECT_EQ(problem.values(dgamma), std::vector<float>(4));
  EXPECT_EQ(problem.values(dbeta), std::vector<float>(4));
}

// However long the other dimensions are: nothing is computed of them.
TEST_F(TwoPhases, GiveZerosForNoRowsBesideHugeExtents) {
  AclProblem problem;
  resize(problem, {INT64_MAX, INT64_MAX, 0}, {4});
  ASSERT_EQ(problem.run(stream_.get()), 0) << recent_message();
  EXPECT_EQ(problem.values(dgamma), std::vector<float>(4));
}

TEST_F(TwoPhases, DoNothingForNoColumns) {
  AclProblem problem;
  resize(problem, {5}, {0});
  ASSERT_EQ(problem.phase_1(), 0) << recent_message();
  EXPECT_EQ(problem.workspace_size, 0U);
  EXPECT_EQ(aclnnAddLayerNormGrad(nullptr, 0, problem.executor, stream_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  EXPECT_EQ(aclnnAddLayerNormGrad(nullptr, 0, problem.executor, stream_.get()), 161002);
}

TEST_F(TwoPhases, IgnoreStridesThatAreNeverStepped) {
  AclProblem problem;
  resize(problem, {3, 1}, {4});
  problem.specs[dx].strides = {4, -7, 1};
  problem.specs[rstd].strides = {1, -1, -1};
  EXPECT_EQ(problem.phase_1(), 0) << recent_message();
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
  AclProblem empty;
  resize(empty, {0}, {4});
  empty.specs[dy].strides = {-4, -1};
  EXPECT_EQ(empty.phase_1(), 0) << recent_message();
  EXPECT_EQ(aclDestroyAclOpExecutor(empty.executor), 0);
}

TEST_F(TwoPhases, FormatsOfTorchCountAsNd) {
  for (const aclFormat format : {ACL_FORMAT_NCL, ACL_FORMAT_NCHW, ACL_FORMAT_NHWC, ACL_FORMAT_NCDHW, ACL_FORMAT_ND}) {
    AclProblem problem;
    for (TensorSpec& spec : problem.specs) spec.format = format;
    ASSERT_EQ(problem.run(stream_.get()), 0) << recent_message();
    expect_right(problem);
  }
}

TEST_F(TwoPhases, MemoryIsJudgedWhenTheTurnComes) {
  AclProblem problem;
  ASSERT_EQ(problem.phase_1(), 0);
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(problem.executor), 0);
  const auto wait_for = [&](const char* sentence) {
    ASSERT_EQ(problem.phase_2(stream_.get()), 0);
    EXPECT_EQ(aclrtSynchronizeStream(stream_.get()), 507015);
    const std::string message = recent_message();
    EXPECT_NE(message.find(sentence), std::string::npos) << message;
  };
  std::vector<float> host(12);
  ASSERT_EQ(aclSetTensorAddr(problem.executor, 0, problem.tensor(dy), host.data()), 0);
  wait_for("dy is 0x");
  ASSERT_EQ(aclSetTensorAddr(problem.executor, 0, problem.tensor(dy), problem.memory(gamma).get()), 0);
  wait_for("a block of 16 bytes of device 0, but all 48 bytes must be memory of the device");
  ASSERT_EQ(aclSetTensorAddr(problem.executor, 0, problem.tensor(dy), problem.memory(dy).get()), 0);
  // dx over rstd: overlap. A null workspace is checked before, so this one is the device's.
  ASSERT_EQ(aclSetTensorAddr(problem.executor, 8, problem.tensor(dgamma), problem.memory(gamma).get()), 0);
  wait_for("dgammaOut at bytes");
  ASSERT_EQ(aclSetTensorAddr(problem.executor, 8, problem.tensor(dgamma), problem.memory(dgamma).get()), 0);
  problem.memory(x2) = DeviceMemory();
  wait_for("x2 is 0x");
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
}

TEST_F(TwoPhases, MemoryBeingFreedWhileItIsUsedStays) {
  // Freed between the second phase and its turn or during it: an error or the right answer, never a crash.
  for (int i = 0; i < 200; ++i) {
    AclProblem problem;
    ASSERT_EQ(problem.phase_1(), 0);
    ASSERT_EQ(problem.phase_2(stream_.get()), 0);
    problem.memory(dy) = DeviceMemory();
    const int code = aclrtSynchronizeStream(stream_.get());
    EXPECT_TRUE(code == 0 || code == 507015) << code;
    recent_message();
  }
}

TEST_F(TwoPhases, NeedADeviceAfterEverythingElse) {
  aclrtResetDeviceForce(0);
  const std::int64_t full[] = {3, 4}, statistic[] = {3, 1}, columns[] = {4};
  aclTensor* t[3];
  const std::int64_t* shapes[] = {full, statistic, columns};
  for (int i = 0; i < 3; ++i) {
    t[i] = aclCreateTensor(shapes[i], i == 2 ? 1 : 2, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, nullptr, 0, nullptr);
  }
  std::uint64_t size = 0;
  aclOpExecutor* executor = nullptr;
  EXPECT_EQ(aclnnAddLayerNormGradGetWorkspaceSize(t[0], t[0], t[0], t[1], t[1], t[2], nullptr, t[0], t[2], t[0], &size,
                                                  &executor),
            561002);
  EXPECT_EQ(aclnnAddLayerNormGradGetWorkspaceSize(t[0], t[0], t[0], t[1], t[1], t[2], nullptr, t[0], t[2], t[2], &size,
                                                  &executor),
            361001);
  EXPECT_EQ(executor, nullptr);
  for (aclTensor* tensor : t) EXPECT_EQ(aclDestroyTensor(tensor), 0);
  EXPECT_EQ(aclrtSetDevice(0), 0);
}

}  // namespace
}  // namespace alng::test
