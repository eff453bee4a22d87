// What a run does on a GPU: begins kernels on the stream it was given, and nothing else.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "cuda_door/on_gpu.h"

namespace alng::test {
namespace {

using RunOnGpu = OnGpus;
using Calls = std::vector<std::string>;

cases::Instance small() { return cases::Instance(case_named("columns_33_fp32_gammafp32_dsum_x2")); }

TEST_F(RunOnGpu, OnlyBeginsKernels) {
  Ready ready(small(), "cuda:0");
  gpus.take_calls();
  ASSERT_TRUE(ready.plan.run(ready.arguments).ok());
  EXPECT_EQ(gpus.take_calls(), (Calls{"cudaGetDevice", "cudaLaunchKernelExC", "cudaLaunchKernelExC"}));
  EXPECT_TRUE(ready.is_untouched()) << "the outputs are there before anybody has waited";
  EXPECT_EQ(gpus.waiting(nullptr), 2);
  EXPECT_EQ(gpus.waiting_early(nullptr), 1);
  gpus.wait_for_all();
  EXPECT_TRUE(ready.is_done());
}

TEST_F(RunOnGpu, InClustersAsPlanned) {
  Ready ready(cases::Instance(case_named("columns_12288_fp32_gammaT_dsum_x2")), "cuda:0");
  ASSERT_TRUE(ready.plan.run(ready.arguments).ok());
  EXPECT_EQ(gpus.waiting(nullptr), 2);
  EXPECT_EQ(gpus.waiting_in_clusters(nullptr), 1);
  EXPECT_EQ(gpus.waiting_early(nullptr), 1);
  gpus.wait_for_all();
  EXPECT_TRUE(ready.is_done());
}

TEST_F(RunOnGpu, OnTheStreamThatItIsGiven) {
  Ready ready(small(), "cuda:0");
  ready.arguments.stream = gpus.make_stream(0);
  gpus.take_calls();
  ASSERT_TRUE(ready.plan.run(ready.arguments).ok());
  EXPECT_EQ(gpus.take_calls(),
            (Calls{"cudaGetDevice", "cudaStreamGetDevice", "cudaLaunchKernelExC", "cudaLaunchKernelExC"}));
  EXPECT_EQ(gpus.waiting(ready.arguments.stream), 2);
  EXPECT_EQ(gpus.waiting(nullptr), 0);
  gpus.wait_for_all();
  EXPECT_TRUE(ready.is_done());
}

// 1 and 2 stand for the default streams by name.
TEST_F(RunOnGpu, OnDefaultStreams) {
  for (const std::uintptr_t stream : {0, 1, 2}) {
    Ready ready(small(), "cuda:1");
    ready.arguments.stream = reinterpret_cast<void*>(stream);
    ASSERT_TRUE(ready.plan.run(ready.arguments).ok());
    gpus.wait_for_all();
    EXPECT_TRUE(ready.is_done());
  }
}

TEST_F(RunOnGpu, OnAnotherGpuAndBack) {
  Ready ready(small(), "cuda:1");
  for (const int current : {0, 1}) {
    gpus.set_current(current);
    gpus.take_calls();
    ASSERT_TRUE(ready.plan.run(ready.arguments).ok());
    EXPECT_EQ(gpus.current(), current);
    const Calls calls = gpus.take_calls();
    EXPECT_EQ(std::count(calls.begin(), calls.end(), "cudaSetDevice"), current == 1 ? 0 : 2);
    gpus.wait_for_all();
  }
  EXPECT_TRUE(ready.is_done());
}

TEST_F(RunOnGpu, AStreamOfAnotherGpuIsRefused) {
  Ready ready(small(), "cuda:0");
  ready.arguments.stream = gpus.make_stream(1);
  expect_refused(ready.plan.run(ready.arguments), Code::bad_option,
                 {"the stream is one of cuda:1 but must be one of cuda:0"});
  int no_stream = 0;
  ready.arguments.stream = &no_stream;
  expect_refused(ready.plan.run(ready.arguments), Code::bad_option, {"the stream must be one of cuda:0"});
  gpus.wait_for_all();
  EXPECT_TRUE(ready.is_untouched());
  EXPECT_EQ(gpus.last_error(), 0);
}

/// The environment variable, for plans that are made while it lives.
struct PointersAreChecked {
  PointersAreChecked() { setenv("ALNG_CUDA_CHECK_POINTERS", "1", 1); }
  ~PointersAreChecked() { unsetenv("ALNG_CUDA_CHECK_POINTERS"); }
};

TEST_F(RunOnGpu, PointersThatItCantReachAreRefusedWhereThatIsAskedFor) {
  const PointersAreChecked checked;
  Ready here(small(), "cuda:0"), there(small(), "cuda:1");
  gpus.set_current(1);
  ASSERT_TRUE(here.plan.run(here.arguments).ok());
  ASSERT_TRUE(there.plan.run(there.arguments).ok());
  gpus.wait_for_all();
  EXPECT_TRUE(here.is_done());
  EXPECT_TRUE(there.is_done());
  Ready ready(small(), "cuda:0");
  const auto expect_no = [&](auto GradArguments::*which, auto* pointer, const char* sentence) {
    GradArguments wrong = ready.arguments;
    wrong.*which = pointer;
    expect_refused(ready.plan.run(wrong), Code::bad_option, {sentence});
  };
  expect_no(&GradArguments::x2, there.arguments.x2, "x2 is memory of cuda:1 but must be memory that cuda:0 can reach");
  expect_no(&GradArguments::dx, there.arguments.dx, "dx is memory of cuda:1 but must be memory that cuda:0 can reach");
  std::vector<float> on_host(64 * 64);
  expect_no(&GradArguments::dgamma, on_host.data(), "dgamma is memory of the host but must be memory that cuda:0 can");
  expect_no(&GradArguments::workspace, static_cast<void*>(on_host.data()), "the workspace is memory of the host");
  gpus.wait_for_all();
  EXPECT_TRUE(ready.is_untouched());
  gpus.fail("cudaPointerGetAttributes", 1);
  expect_refused(ready.plan.run(ready.arguments), Code::device_error, {"cuda:0 could not look at a pointer"});
}

// A driver that doesn't know of the question; a wrong stream is then refused with the kernel.
TEST_F(RunOnGpu, WhereTheDriverCantTellTheStreamsGpu) {
  for (const int error : {36, 801}) {
    Ready ready(small(), "cuda:0");
    ready.arguments.stream = gpus.make_stream(0);
    gpus.fail("cudaStreamGetDevice", error);
    ASSERT_TRUE(ready.plan.run(ready.arguments).ok());
    EXPECT_EQ(gpus.last_error(), 0);
    ready.arguments.stream = gpus.make_stream(1);
    gpus.fail("cudaStreamGetDevice", error);
    expect_refused(ready.plan.run(ready.arguments), Code::device_error, {"cuda:0 could not begin a kernel"});
  }
}

TEST_F(RunOnGpu, IsCapturedAndReplayed) {
  Ready ready(small(), "cuda:0");
  void* const stream = gpus.make_stream(0);
  ready.arguments.stream = stream;
  gpus.begin_capture(stream);
  ASSERT_TRUE(ready.plan.run(ready.arguments).ok());
  ASSERT_EQ(gpus.end_capture(), 2);
  gpus.wait_for_all();
  EXPECT_TRUE(ready.is_untouched());
  gpus.replay(stream);
  gpus.wait_for_all();
  EXPECT_TRUE(ready.is_done());
}

// Where a plan is first needed is where it is made, be that in a capture: kernels are loaded then, not at the run.
TEST_F(RunOnGpu, APlanMayBeMadeInACapture) {
  const Ready other(small(), "cuda:0");
  gpus.reset(2, 90);
  void* const stream = gpus.make_stream(0);
  gpus.begin_capture(stream);
  const GradPlan plan = GradPlan::create(other.plan.problem(), on("cuda:0")).value();
  GradArguments arguments = other.arguments;
  arguments.stream = stream;
  const Status status = plan.run(arguments);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(gpus.end_capture(), 2);
}

TEST_F(RunOnGpu, EmptyProblemsAreWrittenByTheGpu) {
  for (const char* name : {"rows_0_accumulate_fp32_gammaT_x2", "columns_0_fp32_gammaT_dsum_x2"}) {
    Ready grad(cases::Instance(case_named(name)), "cuda:0");
    ReadyForward forward(cases::ForwardInstance(case_named(name), false), "cuda:0");
    ASSERT_TRUE(grad.plan.run(grad.arguments).ok());
    ASSERT_TRUE(forward.plan.run(forward.arguments).ok());
    EXPECT_TRUE(grad.is_untouched());
    EXPECT_TRUE(forward.is_untouched());
    gpus.wait_for_all();
    EXPECT_TRUE(grad.is_done());
    EXPECT_TRUE(forward.is_done());
  }
}

// The limit on shared memory is the kernel's: a plan that needs less must not lower it for one that needs more.
TEST_F(RunOnGpu, APlanForLittleLeavesOneForMuchAsItIs) {
  Ready much(cases::Instance(case_named("columns_513_fp32_gammafp32_dsum_x2")), "cuda:0");
  Ready little(small(), "cuda:0");
  for (Ready* ready : {&much, &little}) {
    const Status status = ready->plan.run(ready->arguments);
    ASSERT_TRUE(status.ok()) << status.message();
    gpus.wait_for_all();
    EXPECT_TRUE(ready->is_done());
  }
}

TEST_F(RunOnGpu, RefusesAsAnyDevice) {
  Ready ready(small(), "cuda:0");
  const GradArguments right = ready.arguments;
  ready.arguments.x1 = nullptr;
  expect_refused(ready.plan.run(ready.arguments), Code::null_pointer, {"x1"});
  ready.arguments = right;
  ready.arguments.workspace_size = 0;
  expect_refused(ready.plan.run(ready.arguments), Code::bad_workspace, {"workspace"});
  ready.arguments = right;
  ready.arguments.dgamma = ready.arguments.dbeta;
  expect_refused(ready.plan.run(ready.arguments), Code::overlap, {"dbeta"});
}

TEST_F(RunOnGpu, ManyThreadsOnBothGpus) {
  std::vector<std::thread> threads;
  std::atomic<int> failed = 0;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 5; ++round) {
        Ready ready(small(), "cuda:" + std::to_string((thread + round) % 2));
        ready.arguments.stream = gpus.make_stream((thread + round) % 2);
        bool right = ready.plan.run(ready.arguments).ok();
        gpus.destroy_stream(ready.arguments.stream);
        right = right && ready.is_done() && gpus.current() == 0;
        if (!right) ++failed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
}

TEST_F(RunOnGpu, TheOneCallAllocatesOnTheGpuAndWaits) {
  Ready ready(small(), "cuda:1");
  const int before = gpus.allocations();
  const Status status = add_layer_norm_grad(ready.instance.description(), ready.arguments, on("cuda:1"));
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(ready.is_done());
  EXPECT_EQ(gpus.allocations(), before);
}

// CUDA itself refuses to work in the child of a process that has used it: alng must be able to say so.
TEST_F(RunOnGpu, AForkDuringPlansLeavesNothingLocked) {
  const GradProblem problem = GradProblem::create(small().description()).value();
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    while (!stop) EXPECT_TRUE(GradPlan::create(problem, on("cuda:1")).ok());
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      gpus.fail("cudaGetDeviceCount", 3);
      const Status status = GradPlan::create(problem, on("cuda:0")).status();
      _exit(status.message().find("a process that was forked can't use CUDA") != std::string::npos ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  stop = true;
  busy.join();
}

}  // namespace
}  // namespace alng::test
