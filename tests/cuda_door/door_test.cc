// Which GPUs there are and which one a plan is for.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cuda_door/on_gpu.h"

namespace alng::test {
namespace {

using Door = OnGpus;

std::vector<Availability> cuda_devices() {
  std::vector<Availability> found;
  for (const Availability& device : devices()) {
    if (device.name.starts_with("cuda") && device.name != "cuda:model") found.push_back(device);
  }
  return found;
}

Status planned(const std::string& device, const std::string& isa = "", std::int64_t columns = 16) {
  PlanOptions options = on(device);
  options.isa = isa;
  return GradPlan::create(GradProblem::create(GradDescription::dense(DType::bfloat16, 8, columns)).value(), options)
      .status();
}

/// What is said of machines without a usable GPU, in the list and by a plan.
void expect_none(const std::string& reason) {
  const auto found = cuda_devices();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "cuda");
  EXPECT_FALSE(found[0].available);
  EXPECT_EQ(found[0].reason, reason);
  for (const char* device : {"cuda", "cuda:0", "cuda:1"}) {
    expect_refused(planned(device), Code::unsupported, {"cuda can't be used: " + reason});
  }
  EXPECT_EQ(fake_cuda().last_error(), 0) << "left for somebody else to find";
}

TEST_F(Door, EveryGpuIsListed) {
  const auto found = cuda_devices();
  ASSERT_EQ(found.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(found[i].name, "cuda:" + std::to_string(i));
    EXPECT_TRUE(found[i].available);
    EXPECT_EQ(found[i].reason, "Fake GPU, sm_90, 132 multiprocessors, 141 GiB");
    EXPECT_TRUE(planned(found[i].name).ok());
  }
  gpus.reset(64, 90);
  EXPECT_EQ(cuda_devices().back().name, "cuda:63");
}

TEST_F(Door, WithoutADriver) {
  gpus.set_driver(0);
  expect_none("there is no NVIDIA driver");
}

TEST_F(Door, WithAnOldDriver) {
  gpus.set_driver(12040);
  expect_none("the NVIDIA driver is for CUDA 12.4 but must be for CUDA 13.0 or later");
}

TEST_F(Door, WithoutAGpu) {
  gpus.reset(0, 90);
  expect_none("the NVIDIA driver finds no GPU");
}

TEST_F(Door, WhereTheDriverFails) {
  gpus.fail("cudaGetDeviceCount", 3, -1);
  const auto found = cuda_devices();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].reason,
            "the NVIDIA driver can't be used (cudaErrorInitializationError: in words; a process that was forked can't "
            "use CUDA if its parent had)");
  gpus.reset(2, 90);
  gpus.fail("cudaDeviceGetAttribute", 999, -1);
  EXPECT_NE(cuda_devices()[0].reason.find("cuda:0 could not tell what it is"), std::string::npos);
  EXPECT_FALSE(found[0].available);
  EXPECT_EQ(gpus.last_error(), 0);
}

TEST_F(Door, AnOldGpuIsNotUsed) {
  gpus.reset(1, 75);
  const auto found = cuda_devices();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FALSE(found[0].available);
  EXPECT_EQ(found[0].reason, "sm_75 but must be sm_80 or later");
  expect_refused(planned("cuda"), Code::unsupported, {"cuda:0 is sm_75 but must be sm_80 or later"});
}

TEST_F(Door, AGpuThatIsNotThere) {
  expect_refused(planned("cuda:2"), Code::bad_option, {"device is \"cuda:2\" but must be one of cuda:0 to cuda:1"});
  expect_refused(planned("cuda:999"), Code::bad_option, {"\"cuda:999\""});
  gpus.reset(1, 90);
  expect_refused(planned("cuda:1"), Code::bad_option, {"device is \"cuda:1\" but must be cuda:0, the only GPU"});
}

TEST_F(Door, NamesThatAreNoGpus) {
  for (const char* name : {"cuda:", "cuda:x", "cuda:01", "cuda:00", "cuda:1x", "cuda:-1", "cuda:1000", "cuda0", "CUDA",
                           "cuda :0", "gpu"}) {
    expect_refused(planned(name), Code::bad_option,
                   {std::string("device is \"") + name + "\" but must be one of cpu, reference, cuda"});
  }
}

TEST_F(Door, NobodyGetsAGpuUnasked) {
  gpus.take_calls();
  const Result<GradPlan> plan =
      GradPlan::create(GradProblem::create(GradDescription::dense(DType::float32, 8, 16)).value(), {});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->device(), "cpu");
  EXPECT_FALSE(plan->memory());
  EXPECT_TRUE(gpus.take_calls().empty()) << "CUDA was touched";
}

TEST_F(Door, CudaIsTheCurrentGpu) {
  const auto device_of = [](const std::string& name) {
    return std::string(
        GradPlan::create(GradProblem::create(GradDescription::dense(DType::float32, 8, 16)).value(), on(name))
            .value()
            .device());
  };
  EXPECT_EQ(device_of("cuda"), "cuda:0");
  gpus.set_current(1);
  EXPECT_EQ(device_of("cuda"), "cuda:1");
  EXPECT_EQ(device_of("cuda:0"), "cuda:0");
  EXPECT_EQ(gpus.current(), 1);
}

TEST_F(Door, APlanSaysWhatItRunsOn) {
  const GradPlan plan =
      GradPlan::create(GradProblem::create(GradDescription::dense(DType::float32, 8, 16)).value(), on("cuda:1"))
          .value();
  EXPECT_EQ(plan.isa(), "sm_90");
  EXPECT_EQ(plan.threads(), 264);
  EXPECT_NE(
      plan.explain().find("device: cuda:1\ngpu: Fake GPU, sm_90, 132 multiprocessors, 141 GiB\nkernels: of the fake\n"),
      std::string::npos)
      << plan.explain();
}

TEST_F(Door, TheInstructionSetMayBeAnEarlierOne) {
  EXPECT_TRUE(planned("cuda", "sm_80").ok());
  EXPECT_TRUE(planned("cuda", "sm_90").ok());
  expect_refused(planned("cuda", "avx2"), Code::bad_option,
                 {"isa is \"avx2\" but must be one of sm_90, sm_80 on cuda"});
  for (const int architecture : {80, 86, 89}) {
    gpus.reset(1, architecture);
    EXPECT_TRUE(planned("cuda", "sm_80").ok());
    expect_refused(planned("cuda", "sm_90"), Code::unsupported,
                   {"isa is \"sm_90\" but cuda:0 is sm_" + std::to_string(architecture)});
  }
  gpus.reset(1, 120);
  EXPECT_TRUE(planned("cuda").ok());
}

// A kernel has to be loaded before it can be asked how many of its clusters there is room for: a plan for more is made
// anew.
TEST_F(Door, APlanHasTheClustersThatThereIsRoomFor) {
  const auto explained = [](const char* device) {
    const std::string text =
        GradPlan::create(GradProblem::create(GradDescription::dense(DType::float32, 8, 12288)).value(), on(device))
            .value()
            .explain();
    return text.substr(text.find("kernels: "));
  };
  EXPECT_EQ(explained("cuda").find("kernels: of the fake, in 66 clusters\n"), 0u);
  gpus.set_clusters(60);
  EXPECT_EQ(explained("cuda").find("kernels: of the fake, in 60 clusters\n"), 0u);
  gpus.set_clusters(0);
  EXPECT_EQ(explained("cuda").find("kernels: of the fake\n"), 0u);
  gpus.reset(1, 90);
  gpus.fail("cudaOccupancyMaxActiveClusters", 999, -1);
  EXPECT_EQ(explained("cuda").find("kernels: of the fake\n"), 0u);
  EXPECT_EQ(gpus.last_error(), 0);
  gpus.reset(1, 80);
  gpus.take_calls();
  EXPECT_EQ(explained("cuda").find("kernels: of the fake\n"), 0u);
  EXPECT_EQ(std::ranges::count(gpus.take_calls(), "cudaOccupancyMaxActiveClusters"), 0);
}

TEST_F(Door, WhatThePlannerRefusesIsSaid) {
  expect_refused(planned("cuda", "", 77777), Code::unsupported, {"no kernel for 77777 columns"});
  expect_refused(planned("cuda", "", 66666), Code::unsupported,
                 {"a kernel of AddLayerNormGrad takes 232448 bytes of shared memory but cuda:0 has 232432"});
  EXPECT_EQ(gpus.current(), 0);
}

}  // namespace
}  // namespace alng::test
