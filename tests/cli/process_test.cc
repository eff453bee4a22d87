#include <sys/resource.h>
#include <sys/wait.h>

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
  const auto peak_of = [this](const std::string& arguments) {
    const pid_t process = start(arguments);
    int status = -1;
    rusage usage{};
    EXPECT_EQ(::wait4(process, &status, 0, &usage), process);
    EXPECT_EQ(exit_code_of(status), 0) << arguments;
    return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
  };
  constexpr std::int64_t megabyte = 1 << 20;
  EXPECT_LT(peak_of("make -o p.safetensors --shape 8192x1024 --dtype fp32"), 32 * megabyte);
  const auto result = nlohmann::json::parse(done("run p.safetensors -o r.safetensors --json"));
  const std::int64_t tensors = result["bytes"], workspace = result["workspace_bytes"];
  EXPECT_GT(tensors, 160 * megabyte);
  EXPECT_LT(peak_of("run p.safetensors -o r.safetensors"), tensors + workspace + 32 * megabyte);
}

}  // namespace
}  // namespace alng::cli
