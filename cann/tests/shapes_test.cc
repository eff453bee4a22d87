// Shapes, dtypes and addresses as aclnn takes them: what it offers is right, and what it has cached is what was asked.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "alng_cann.h"
#include "cann/tests/acl_problem.h"
#include "problem/offer.h"

namespace alng::test {
namespace {

using Shape = std::vector<std::int64_t>;

class Shapes : public testing::Test {
 protected:
  ~Shapes() override { EXPECT_EQ(alngCannSetProduct(nullptr), 0); }
  const Session session_;
};

// The 3x4 problem's memory, seen with these rows and columns; the statistics have so many 1s behind.
void reshape(AclProblem& problem, const Shape& rows, const Shape& columns, std::size_t ones) {
  Shape all = rows, statistic = rows;
  all.insert(all.end(), columns.begin(), columns.end());
  statistic.resize(rows.size() + ones, 1);
  for (const int place : {dy, x1, x2, dsum, dx}) problem.specs[static_cast<std::size_t>(place)].shape = all;
  for (const int place : {gamma, dgamma, dbeta}) problem.specs[static_cast<std::size_t>(place)].shape = columns;
  for (const int place : {rstd, mean}) problem.specs[static_cast<std::size_t>(place)].shape = statistic;
}

TEST_F(Shapes, EveryFormOfTheStatisticsHasTheSameBits) {
  const TestStream stream;
  const auto expected = expected_results();
  for (const Shape& rows : {Shape{3}, Shape{1, 3}, Shape{3, 1}}) {
    for (const Shape& columns : {Shape{4}, Shape{2, 2}, Shape{1, 4}, Shape{4, 1}, Shape{2, 1, 2}}) {
      for (const std::size_t ones : {std::size_t{0}, std::size_t{1}, columns.size()}) {
        for (const bool with_gamma : {true, false}) {
          AclProblem problem;
          reshape(problem, rows, columns, ones);
          problem.specs[gamma].present = with_gamma;
          if (with_gamma) problem.specs[mean].shape = rows;  // whatever the form of rstd
          ASSERT_EQ(problem.run(stream.get()), 0) << recent_message();
          if (with_gamma) {
            EXPECT_EQ(problem.values(dx), expected[0]);
          }
          EXPECT_EQ(problem.values(dgamma), expected[1]);
          EXPECT_EQ(problem.values(dbeta), expected[2]);
        }
      }
    }
  }
}

int code_of(AclProblem& problem) {
  const int code = problem.phase_1();
  if (code == 0) {
    EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
  }
  for (int place = 0; place < place_count; ++place) problem.destroy(place);
  return code;
}

TEST_F(Shapes, AndDtypesThatAreOfferedAreTaken) {
  const std::map<std::string, aclDataType> dtypes = {
      {"float32", ACL_FLOAT}, {"float16", ACL_FLOAT16}, {"bfloat16", ACL_BF16}};
  const aclDataType any_dtype[] = {ACL_FLOAT, ACL_FLOAT16, ACL_BF16, ACL_INT32, static_cast<aclDataType>(60)};
  int offers = 0, accepted = 0;
  for (const char* product : {"alng", "Ascend310P3"}) {
    ASSERT_EQ(alngCannSetProduct(product), 0);
    for (std::uint32_t seed = 0; seed < 400; ++seed) {
      std::mt19937 random(seed);
      const auto below = [&random](std::size_t count) { return static_cast<std::size_t>(random() % count); };
      AclProblem problem;
      const Shape columns[] = {{4}, {2, 2}, {2, 1, 2}};
      reshape(problem, Shape{3, 1}, columns[below(3)], below(3));
      for (TensorSpec& spec : problem.specs) {
        if (below(4) == 0) {
          spec.shape.resize(below(5));
          for (std::int64_t& extent : spec.shape) extent = static_cast<std::int64_t>(below(4));
        }
        if (below(6) == 0) spec.dtype = any_dtype[below(5)];
      }
      problem.specs[gamma].present = below(3) != 0;
      problem.specs[dsum].present = below(3) != 0;
      for (int step = 0; step < 30; ++step) {
        const int code = code_of(problem);
        if (code == 0) ++accepted;
        const std::string message = recent_message();
        const Offer offer = offer_in(message);
        if (code == 0 || offer.tensor.empty()) break;
        ++offers;
        int place = 0;
        while (place < place_count && offer.tensor != place_name(place)) ++place;
        ASSERT_LT(place, place_count) << "no parameter: " << message;
        TensorSpec& spec = problem.specs[static_cast<std::size_t>(place)];
        const TensorSpec as_it_was = spec;
        const std::size_t choices = offer.shapes.size() + offer.dtypes.size(), chosen = below(choices);
        const auto follow = [&](std::size_t choice) {
          spec = as_it_was;
          if (choice < offer.shapes.size()) {
            spec.shape = offer.shapes[choice];
          } else {
            spec.dtype = dtypes.at(offer.dtypes[choice - offer.shapes.size()]);
          }
        };
        for (std::size_t choice = 0; choice < choices; ++choice) {
          follow(choice);
          const int again = code_of(problem);
          const std::string other = recent_message();
          EXPECT_FALSE(again == code && other.find("GetWorkspaceSize: " + offer.tensor + " ") != std::string::npos)
              << message << "\nfollowed: " << other;
        }
        if (HasFailure()) return;
        follow(chosen);
      }
    }
  }
  EXPECT_GT(offers, 1000);
  EXPECT_GT(accepted, 400);
}

struct Result {
  int code = 0;
  std::uint64_t workspace_size = 0;
  std::array<std::vector<float>, 3> values;
  bool operator==(const Result&) const = default;
};

// Plans are kept for each thread: what was asked for before, here, must not show.
TEST_F(Shapes, OfOneProblemAreNotTakenForAnothers) {
  using Change = void (*)(AclProblem&);
  const Change changes[] = {
      [](AclProblem&) {},
      [](AclProblem& p) {
        p.specs[dx].strides = {1, 3};
      },
      [](AclProblem& p) {
        p.specs[x2].strides = {0, 1};
      },
      [](AclProblem& p) {
        p.specs[mean].strides = {0, 1};
      },
      [](AclProblem& p) { p.specs[gamma].strides = {0}; },
      [](AclProblem& p) { p.specs[gamma].present = false; },
      [](AclProblem& p) { p.specs[dsum].present = false; },
      [](AclProblem& p) {
        reshape(p, {3}, {2, 2}, 1);
      },
      [](AclProblem& p) {
        reshape(p, {3, 2}, {2}, 1);
      },
      [](AclProblem& p) {
        reshape(p, {3}, {2, 2}, 0);
      },
      [](AclProblem& p) {
        reshape(p, {3, 1}, {4}, 0);
      },
      [](AclProblem&) { alngCannSetProduct("Ascend910B1"); },
      [](AclProblem& p) {
        alngCannSetProduct("Ascend310P3");
        for (const int place : {dy, x1, x2, gamma, dsum, dx}) p.specs[static_cast<std::size_t>(place)].dtype = ACL_BF16;
      },
  };
  const auto result_of = [](Change change) {
    Result result;
    EXPECT_EQ(aclrtSetDevice(0), 0);
    EXPECT_EQ(alngCannSetProduct("alng"), 0);
    AclProblem problem;
    // Room for the statistics of more rows.
    std::vector<float> statistic(12);
    for (std::size_t i = 0; i < 12; ++i) statistic[i] = 0.5F + static_cast<float>(i);
    for (const int place : {rstd, mean}) {
      problem.memory(place) = DeviceMemory(48);
      EXPECT_EQ(aclrtMemcpy(problem.memory(place).get(), 48, statistic.data(), 48, ACL_MEMCPY_HOST_TO_DEVICE), 0);
      problem.specs[static_cast<std::size_t>(place)].data = problem.memory(place).get();
    }
    change(problem);
    const TestStream stream;
    result.code = problem.run(stream.get());
    recent_message();
    result.workspace_size = problem.workspace_size;
    if (result.code == 0) result.values = {problem.values(dx), problem.values(dgamma), problem.values(dbeta)};
    return result;
  };
  for (const Change first : changes) {
    for (const Change second : changes) {
      Result alone;
      std::thread([&] { alone = result_of(second); }).join();
      result_of(first);
      EXPECT_EQ(result_of(second), alone) << "changes " << &first - changes << " and " << &second - changes;
    }
  }
}

TEST_F(Shapes, AddressesAreSetByEitherSpelling) {
  const TestStream stream;
  AclProblem problem;
  ASSERT_EQ(problem.phase_1(), 0) << recent_message();
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(problem.executor), 0);
  DeviceMemory other(16);
  ASSERT_EQ(AclSetTensorAddr(problem.executor, 9, problem.tensor(dbeta), other.get()), 0);
  ASSERT_EQ(AclSetInputTensorAddr(problem.executor, 0, problem.tensor(dy), problem.memory(dy).get()), 0);
  ASSERT_EQ(AclSetOutputTensorAddr(problem.executor, 1, problem.tensor(dgamma), problem.memory(dgamma).get()), 0);
  EXPECT_EQ(AclSetDynamicTensorAddr(problem.executor, 0, 0, nullptr, other.get()), 561103);
  EXPECT_EQ(AclSetDynamicInputTensorAddr(problem.executor, 0, 0, nullptr, other.get()), 561103);
  EXPECT_EQ(AclSetDynamicOutputTensorAddr(nullptr, 0, 0, nullptr, other.get()), 561103);
  recent_message();
  ASSERT_EQ(problem.phase_2(stream.get()), 0) << recent_message();
  ASSERT_EQ(aclrtSynchronizeStream(stream.get()), 0) << recent_message();
  const std::vector<std::byte> bytes = other.contents();
  const auto* const values = reinterpret_cast<const float*>(bytes.data());
  EXPECT_EQ(std::vector<float>(values, values + 4), expected_results()[2]);
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
}

// Nothing is derived from the storage's dims, whatever they are; an empty tensor's strides and offset are never used.
TEST_F(Shapes, WhatIsNeverUsedMayBeAnything) {
  const TestStream stream;
  AclProblem problem;
  problem.specs[dy].storage = {INT64_MIN, INT64_MAX};
  ASSERT_EQ(problem.run(stream.get()), 0) << recent_message();
  EXPECT_EQ(problem.values(dx), expected_results()[0]);
  AclProblem empty;
  reshape(empty, {0}, {4}, 1);
  for (const int place : {dy, x1, dx}) {
    empty.specs[static_cast<std::size_t>(place)].strides = {INT64_MIN, INT64_MAX};
    empty.specs[static_cast<std::size_t>(place)].offset = INT64_MIN;
  }
  ASSERT_EQ(empty.run(stream.get()), 0) << recent_message();
  EXPECT_EQ(empty.values(dbeta), std::vector<float>(4, 0.0F));
}

TEST(Arrays, OfMoreEntriesThanMemoryHasAreRefused) {
  const std::int64_t one = 1;
  const aclTensor* const none = nullptr;
  for (const std::uint64_t size : {std::uint64_t{1} << 60, std::uint64_t{1} << 61, UINT64_MAX}) {
    EXPECT_EQ(aclCreateIntArray(&one, size), nullptr);
    EXPECT_NE(recent_message().find("aclCreateIntArray: size is " + std::to_string(size) + " but must be at most "),
              std::string::npos);
    EXPECT_EQ(aclCreateTensorList(&none, size), nullptr);
    EXPECT_NE(recent_message().find("aclCreateTensorList: size is "), std::string::npos);
  }
}

}  // namespace
}  // namespace alng::test
