#include "terminal/progress.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace alng::cli {
namespace {

TEST(Progress, IsSilentOnShortWork) {
  testing::internal::CaptureStderr();
  { Progress progress("working", 10); }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, SaysHowFarLongWorkIs) {
  testing::internal::CaptureStderr();
  {
    Progress progress("working", 10);
    progress.advance(4);
    std::this_thread::sleep_for(std::chrono::milliseconds(1300));
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "alng: working: 40 %, 1 s\n");  // not a terminal: a plain line
}

}  // namespace
}  // namespace alng::cli
