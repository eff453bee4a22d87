// Files that ALNG_CUDA_LIBRARY may name, in a process that has loaded none yet: what can't be used is not remembered.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "alng/alng.hpp"

namespace alng::test {
namespace {

/// Of the first device of CUDA, with this file.
Availability cuda_with(const std::string& file) {
  EXPECT_EQ(setenv("ALNG_CUDA_LIBRARY", file.c_str(), 1), 0);
  for (const Availability& device : devices()) {
    if (device.name.starts_with("cuda") && device.name != "cuda:model") return device;
  }
  return {};
}

/// What is said of a file that can't be used, in the list and by a plan.
std::string refusal_of(const std::string& file) {
  const Availability found = cuda_with(file);
  EXPECT_EQ(found.name, "cuda");
  EXPECT_FALSE(found.available);
  PlanOptions options;
  options.device = "cuda";
  const Status status =
      GradPlan::create(GradProblem::create(GradDescription::dense(DType::float32, 8, 16)).value(), options).status();
  EXPECT_EQ(status.code(), Code::unsupported);
  EXPECT_EQ(status.message().rfind("cuda can't be used: " + found.reason, 0), 0u) << status.message();
  return status.message().substr(std::string("cuda can't be used: ").size());
}

// One test, since the library that is found in the end stays.
TEST(CudaLibrary, OneThatCantBeUsedIsNamedAndTheNextOneTried) {
  EXPECT_EQ(refusal_of(ALNG_OTHER_CUDA), ALNG_OTHER_CUDA
                                             " is of alng 0.0.9, back-end interface 999, but must be of alng " +
                                             std::string(version()) + ", interface 4");
  EXPECT_EQ(refusal_of("/nowhere/libalng_cuda.so"),
            "/nowhere/libalng_cuda.so can't be loaded: cannot open shared object file: No such file or directory");
  EXPECT_NE(refusal_of(__FILE__).find("can't be loaded: "), std::string::npos);
  EXPECT_EQ(refusal_of("libm.so.6"), "libm.so.6 is no back end of alng");
  const Availability found = cuda_with(ALNG_FAKE_CUDA);
  EXPECT_EQ(found.name, "cuda:0");
  EXPECT_TRUE(found.available);
  EXPECT_EQ(cuda_with("/nowhere/libalng_cuda.so").name, "cuda:0") << "the one that was loaded stays";
}

}  // namespace
}  // namespace alng::test
