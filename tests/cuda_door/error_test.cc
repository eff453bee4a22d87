// A GPU that fails: every call that the back end makes fails once, and the sentence says at what.
#include <gtest/gtest.h>

#include <string>

#include "cuda_door/on_gpu.h"

namespace alng::test {
namespace {

using Error = OnGpus;

constexpr int illegal_address = 700, no_image = 209, some_error = 999;

cases::Instance small() { return cases::Instance(case_named("columns_33_fp32_gammafp32_dsum_x2")); }

GradProblem problem() { return GradProblem::create(small().description()).value(); }

TEST_F(Error, WhileAPlanIsMade) {
  struct Planned {
    const char* call;
    int after;
    const char* words;
  };
  gpus.set_current(1);
  for (const auto& [call, after, words] : {
           Planned{"cudaGetDevice", 0, "could not become the current device"},
           Planned{"cudaSetDevice", 0, "could not become the current device"},
           Planned{"cudaDeviceGetAttribute", 2, "could not tell what it is"},
           Planned{"cudaFuncGetAttributes", 0, "could not load a kernel"},
           Planned{"cudaFuncGetAttributes", 1, "could not load a kernel"},
           Planned{"cudaFuncSetAttribute", 0, "could not load a kernel"},
       }) {
    SCOPED_TRACE(call);
    gpus.fail(call, some_error, after);
    expect_refused(GradPlan::create(problem(), on("cuda:0")).status(), Code::device_error, {"cuda:0", words});
    EXPECT_EQ(gpus.last_error(), 0) << "left for somebody else to find";
    EXPECT_EQ(gpus.current(), 1);
    EXPECT_TRUE(GradPlan::create(problem(), on("cuda:0")).ok()) << "a failure is remembered";
  }
}

TEST_F(Error, AnArchitectureWithoutKernels) {
  for (const int error : {no_image, 222, 223}) {
    gpus.fail("cudaFuncGetAttributes", error);
    expect_refused(GradPlan::create(problem(), on("cuda:0")).status(), Code::unsupported,
                   {"this build has no kernel for cuda:0, Fake GPU, sm_90"});
  }
}

TEST_F(Error, WhileARunBegins) {
  Ready ready(small(), "cuda:1");
  for (const char* call : {"cudaGetDevice", "cudaSetDevice"}) {
    gpus.fail(call, some_error);
    expect_refused(ready.plan.run(ready.arguments), Code::device_error, {"cuda:1 could not become the current device"});
  }
  ready.arguments.stream = gpus.make_stream(1);
  gpus.fail("cudaStreamGetDevice", some_error);
  expect_refused(ready.plan.run(ready.arguments), Code::device_error, {"cuda:1 could not look at the stream"});
  EXPECT_EQ(gpus.waiting(ready.arguments.stream), 0);
  for (const int launches : {0, 1}) {
    gpus.fail("cudaLaunchKernelExC", some_error, launches);
    expect_refused(ready.plan.run(ready.arguments), Code::device_error,
                   {"cuda:1 could not begin a kernel (cudaErrorOfTheFake: in words)"});
    EXPECT_EQ(gpus.last_error(), 0);
    EXPECT_EQ(gpus.current(), 0);
  }
}

// Pointers of the host, or of another GPU: the kernel's fault is found by whoever calls next, and said to be older.
TEST_F(Error, OfAKernelBefore) {
  Ready faulty(small(), "cuda:0"), ready(small(), "cuda:0");
  std::vector<float> on_the_host(64);
  faulty.arguments.dbeta = on_the_host.data();
  EXPECT_TRUE(faulty.plan.run(faulty.arguments).ok());
  gpus.wait_for_all();
  const char* const words =
      "cuda:0 failed at work that was begun earlier (cudaErrorIllegalAddress: an illegal memory access was "
      "encountered)";
  expect_refused(ready.plan.run(ready.arguments), Code::device_error, {words});
  expect_refused(GradPlan::create(problem(), on("cuda:0")).status(), Code::unsupported, {"cudaErrorIllegalAddress"});
  float value = 0;
  expect_refused(ready.plan.memory().download(&value, ready.arguments.dbeta, 4), Code::device_error, {words});
  EXPECT_EQ(gpus.last_error(), 0);
  EXPECT_TRUE(ready.is_untouched());
}

}  // namespace
}  // namespace alng::test
