#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "alng_process.h"

namespace alng::cli {
namespace {

using ProcessTest = CommandTest;

#if defined(ALNG_SANITIZED)
constexpr bool memory_is_its_own = false;
#else
constexpr bool memory_is_its_own = !ALNG_EMULATED;
#endif

TEST_F(ProcessTest, RunNeedsTensorsWorkspaceAnd32MB) {
  if (!memory_is_its_own) GTEST_SKIP() << "an emulator's or a sanitizer's memory counts here";
  // The largest of all children so far, and no other test's are as large.
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  };
  constexpr std::int64_t megabyte = 1 << 20;
  const std::int64_t before = peak();
  done("make -o p.safetensors --shape 8192x1024 --dtype fp32");
  EXPECT_LT(peak(), std::max(before, 32 * megabyte));
  const auto result = nlohmann::json::parse(done("run p.safetensors -o r.safetensors --json"));
  const std::int64_t tensors = result["bytes"], workspace = result["workspace_bytes"];
  EXPECT_GT(tensors, 160 * megabyte);
  EXPECT_LT(peak(), tensors + workspace + 32 * megabyte);
}

}  // namespace
}  // namespace alng::cli
