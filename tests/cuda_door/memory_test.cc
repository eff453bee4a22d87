// A GPU's memory as callers whose data is in the host's use it.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "cuda_door/on_gpu.h"

namespace alng::test {
namespace {

class GpuMemory : public OnGpus {
 protected:
  GpuMemory()
      : memory(
            GradPlan::create(GradProblem::create(GradDescription::dense(DType::float32, 8, 16)).value(), on("cuda:1"))
                .value()
                .memory()) {
    std::iota(numbers.begin(), numbers.end(), 1.0f);
  }
  void* allocate() const { return memory.allocate(bytes).value(); }

  static constexpr std::size_t bytes = 400;
  Memory memory;  // outlives its plan
  std::vector<float> numbers = std::vector<float>(100), back = std::vector<float>(100);
};

TEST_F(GpuMemory, UpWithinAndDown) {
  void* const first = allocate();
  void* const second = allocate();
  ASSERT_TRUE(memory.upload(first, numbers.data(), bytes).ok());
  ASSERT_TRUE(memory.copy(second, first, bytes).ok());
  ASSERT_TRUE(memory.download(back.data(), second, bytes).ok());
  EXPECT_EQ(back, numbers);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 256, 0u);
  EXPECT_EQ(gpus.current(), 0);
  memory.free(first);
  memory.free(second);
  memory.free(nullptr);
  EXPECT_EQ(gpus.current(), 0);
}

TEST_F(GpuMemory, NothingIsCopiedOfNothing) {
  gpus.take_calls();
  EXPECT_TRUE(memory.upload(nullptr, nullptr, 0).ok());
  EXPECT_TRUE(memory.download(nullptr, nullptr, 0).ok());
  EXPECT_TRUE(memory.copy(nullptr, nullptr, 0).ok());
  EXPECT_TRUE(gpus.take_calls().empty());
  void* const one = memory.allocate(0).value();
  EXPECT_NE(one, nullptr);
  memory.free(one);
}

TEST_F(GpuMemory, TimeIsThatOfTheGpu) {
  void* const first = allocate();
  void* const second = allocate();
  int calls = 0;
  const Result<double> seconds = memory.time([&] {
    ++calls;
    EXPECT_TRUE(memory.copy(second, first, bytes).ok());
    EXPECT_EQ(gpus.waiting(nullptr), 0) << "a copy is no kernel";
  });
  ASSERT_TRUE(seconds.ok()) << seconds.status().message();
  EXPECT_EQ(calls, 1);
  EXPECT_GE(seconds.value(), 0);
  EXPECT_LT(seconds.value(), 10);
  memory.free(first);
  memory.free(second);
}

TEST_F(GpuMemory, RefusalsAreSaid) {
  expect_refused(memory.allocate(std::size_t{1} << 60).status(), Code::out_of_memory,
                 {"cuda:1 has no 1152921504606846976 bytes of memory left"});
  void* const there = allocate();
  expect_refused(memory.upload(nullptr, numbers.data(), 4), Code::null_pointer, {"to is null"});
  expect_refused(memory.upload(there, nullptr, 4), Code::null_pointer, {"from is null"});
  expect_refused(memory.download(nullptr, there, 4), Code::null_pointer, {"to is null"});
  expect_refused(memory.copy(there, nullptr, 4), Code::null_pointer, {"from is null"});
  // Host and device mixed up.
  expect_refused(memory.upload(numbers.data(), there, 4), Code::device_error, {"cuda:1 could not take a copy"});
  expect_refused(memory.copy(there, numbers.data(), 4), Code::device_error, {"cuda:1 could not copy memory"});
  EXPECT_EQ(gpus.last_error(), 0);
  const Memory none(nullptr);
  EXPECT_FALSE(none);
  expect_refused(none.allocate(4).status(), Code::null_pointer, {"memory is null"});
  expect_refused(none.upload(there, numbers.data(), 4), Code::null_pointer, {"memory is null"});
  expect_refused(none.time([] {}).status(), Code::null_pointer, {"memory is null"});
  none.free(there);
  memory.free(there);
}

TEST_F(GpuMemory, FailuresAreSaid) {
  void* const there = allocate();
  const std::vector<std::pair<const char*, const char*>> calls = {{"cudaMemcpyAsync", "could not take a copy"},
                                                                  {"cudaStreamSynchronize", "could not take a copy"}};
  for (const auto& [call, words] : calls) {
    gpus.fail(call, 999);
    expect_refused(memory.upload(there, numbers.data(), bytes), Code::device_error, {words});
  }
  for (const char* call :
       {"cudaEventCreate", "cudaEventRecord", "cudaEventSynchronize", "cudaEventElapsedTime", "cudaSetDevice"}) {
    gpus.fail(call, 999);
    bool called = false;
    expect_refused(memory.time([&] { called = true; }).status(), Code::device_error, {"could not tell the time"});
    EXPECT_EQ(called, std::string(call) == "cudaEventSynchronize" || std::string(call) == "cudaEventElapsedTime");
  }
  gpus.fail("cudaMalloc", 999);
  expect_refused(memory.allocate(4).status(), Code::device_error, {"cuda:1 could not allocate memory"});
  EXPECT_EQ(gpus.last_error(), 0);
  memory.free(there);
}

}  // namespace
}  // namespace alng::test
