// A million calls, and no more memory than after the first few thousand.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "cann/tests/acl_problem.h"

namespace alng::test {
namespace {

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

TEST(Soak, AMillionCallsWithoutGrowth) {
  constexpr int calls = 1'000'000;
  const Session session;
  const TestStream stream;
  AclProblem problem;
  ASSERT_EQ(problem.run(stream.get()), 0);
  std::int64_t after_first = 0;
  for (int i = 0; i < calls; ++i) {
    // Tensors are made and destroyed as programs do for each call.
    if (i % 16 == 0) {
      for (int place = 0; place < place_count; ++place) problem.destroy(place);
    }
    ASSERT_EQ(problem.run(stream.get()), 0) << i << ": " << recent_message();
    if (i == calls / 10) after_first = resident_bytes();
  }
  // Pages come and go with the allocator; a leak of a single byte in each call would be 900 KB.
  EXPECT_LT(resident_bytes() - after_first, 256 * 1024);
  const auto expected = expected_results();
  EXPECT_EQ(problem.values(dx), expected[0]);
}

}  // namespace
}  // namespace alng::test
