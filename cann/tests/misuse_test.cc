// The table of wrong calls.
#include "cann/tests/misuse.h"

#include <gtest/gtest.h>

#include <ostream>

namespace alng::test {

void PrintTo(const Misuse& misuse, std::ostream* out) { *out << misuse.name; }

namespace {

std::vector<Misuse> all_misuse() {
  std::vector<Misuse> all = misuse_of_runtime();
  const std::vector<Misuse> of_operator = misuse_of_operator();
  all.insert(all.end(), of_operator.begin(), of_operator.end());
  return all;
}

class Misuses : public testing::TestWithParam<Misuse> {};

TEST_P(Misuses, AreRefusedWithASentenceAndDoNoHarm) {
  Scene scene;
  recent_message();
  EXPECT_EQ(GetParam().code, GetParam().call(scene));
  const std::string message = recent_message();
  EXPECT_NE(message.find(GetParam().sentence), std::string::npos) << message;

  // Whoever goes on afterwards gets right results.
  ASSERT_EQ(aclrtSetDevice(0), 0);
  AclProblem problem;
  const TestStream stream;
  ASSERT_EQ(problem.run(stream.get()), 0) << recent_message();
  const auto expected = expected_results();
  EXPECT_EQ(problem.values(dx), expected[0]);
  EXPECT_EQ(problem.values(dgamma), expected[1]);
  EXPECT_EQ(problem.values(dbeta), expected[2]);
}

INSTANTIATE_TEST_SUITE_P(Table, Misuses, testing::ValuesIn(all_misuse()),
                         [](const auto& which) { return which.param.name; });

TEST(MisuseTable, IsLong) {
  EXPECT_GE(misuse_of_runtime().size(), 60U);
  EXPECT_GE(misuse_of_operator().size(), 60U);
}

}  // namespace
}  // namespace alng::test
