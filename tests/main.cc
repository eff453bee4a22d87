// GoogleTest's main, but for one thing: a pattern of --gtest_filter that matches no test is a failure. GoogleTest 1.12
// runs nothing then and says PASSED, so a test that was renamed would be lost without anybody noticing.
#include <fnmatch.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <sstream>
#include <string>

namespace {

bool matches_a_test(const std::string& pattern) {
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *all.GetTestSuite(s);
    for (int t = 0; t < suite.total_test_count(); ++t) {
      const std::string name = std::string(suite.name()) + "." + suite.GetTestInfo(t)->name();
      // GoogleTest's * and ? mean the same here; [ and \ are in no test's name.
      if (fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return true;
    }
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // Behind the first - stands what is left out; a pattern there that matches nothing leaves nothing out.
  const std::string filter = GTEST_FLAG_GET(filter);
  std::istringstream wanted(filter.substr(0, filter.find('-')));
  for (std::string pattern; std::getline(wanted, pattern, ':');) {
    if (pattern.empty() || matches_a_test(pattern)) continue;
    std::fprintf(stderr, "--gtest_filter: \"%s\" matches no test\n", pattern.c_str());
    return 1;
  }
  return RUN_ALL_TESTS();
}
