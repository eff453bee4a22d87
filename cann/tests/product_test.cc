// Which product the runtime stands for, and what that allows.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "alng_cann.h"
#include "cann/tests/acl_problem.h"

namespace alng::test {
namespace {

class Products : public testing::Test {
 protected:
  Products() { ::unsetenv("ALNG_SOC"); }
  ~Products() override {
    ::unsetenv("ALNG_SOC");
    EXPECT_EQ(alngCannSetProduct(nullptr), 0);
  }

  // The first phase with these dtypes; 0 is followed by a run.
  static int ask(aclDataType dtype, aclDataType of_gamma) {
    AclProblem problem;
    for (const int place : {dy, x1, x2, dsum, dx}) problem.specs[static_cast<std::size_t>(place)].dtype = dtype;
    problem.specs[gamma].dtype = of_gamma;
    const int code = problem.phase_1();
    if (code != 0) return code;
    EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
    return code;
  }
};

// A thread makes the plan of a problem when it first asks for it, and keeps it.
TEST(Plans, AreMadeByWhatAlngIsaSaysThen) {
  const Session session;
  AclProblem before, again, other;
  EXPECT_EQ(before.phase_1(), 0);
  ::setenv("ALNG_ISA", "mmx", 1);
  EXPECT_EQ(again.phase_1(), 0) << recent_message();
  other.specs[dsum].present = false;
  expect_refused(other.phase_1(), 561003, "the environment variable ALNG_ISA is \"mmx\" but must be one of");
  ::unsetenv("ALNG_ISA");
  EXPECT_EQ(other.phase_1(), 0) << recent_message();
  for (const AclProblem* problem : {&before, &again, &other}) aclDestroyAclOpExecutor(problem->executor);
}

TEST_F(Products, AllAreAllowedByDefault) {
  const Session session;
  EXPECT_STREQ(aclrtGetSocName(), "alng");
  for (const aclDataType dtype : {ACL_FLOAT, ACL_FLOAT16, ACL_BF16}) {
    EXPECT_EQ(ask(dtype, dtype), 0) << dtype;
    EXPECT_EQ(ask(dtype, ACL_FLOAT), 0) << dtype;
  }
}

TEST_F(Products, NamedOnesAllowWhatTheirsDo) {
  const Session session;
  for (const char* name : {"Ascend950PR", "Ascend950PR_9599", "Ascend950DT", "Ascend910_93", "Ascend910_9392",
                           "Ascend910B", "Ascend910B3", "Ascend310P", "Ascend310P3"}) {
    SCOPED_TRACE(name);
    ASSERT_EQ(alngCannSetProduct(name), 0);
    EXPECT_STREQ(aclrtGetSocName(), name);
    const bool has_bfloat16 = std::string(name).find("310P") == std::string::npos;
    EXPECT_EQ(ask(ACL_FLOAT, ACL_FLOAT), 0);
    EXPECT_EQ(ask(ACL_FLOAT16, ACL_FLOAT16), 0);
    EXPECT_EQ(ask(ACL_BF16, ACL_BF16), has_bfloat16 ? 0 : 161002);
    EXPECT_EQ(ask(ACL_FLOAT16, ACL_FLOAT), 161002);
    const std::string message = recent_message();
    EXPECT_NE(message.find("gamma is FLOAT but must be FLOAT16, the dtype of dy; supported on Ascend"),
              std::string::npos)
        << message;
  }
}

TEST_F(Products, TheRefusalNamesTheProductAndTheList) {
  const Session session;
  ASSERT_EQ(alngCannSetProduct("Ascend310P3"), 0);
  EXPECT_EQ(ask(ACL_BF16, ACL_BF16), 161002);
  const std::string message = recent_message();
  EXPECT_NE(message.find("(EZ1006)"), std::string::npos) << message;
  EXPECT_NE(message.find("dy is BFLOAT16 but must be FLOAT or FLOAT16; supported on Ascend310P: dy, x1, x2, gamma, "
                         "dsumOptional and dxOut all FLOAT, all FLOAT16; rstd, mean, dgammaOut and dbetaOut FLOAT"),
            std::string::npos)
      << message;
}

TEST_F(Products, TheEnvironmentNamesOne) {
  ::setenv("ALNG_SOC", "Ascend910B4", 1);
  ASSERT_EQ(alngCannSetProduct(nullptr), 0);
  EXPECT_STREQ(aclrtGetSocName(), "Ascend910B4");
}

TEST_F(Products, UnknownOnesAreRefused) {
  for (const char* name :
       {"Ascend", "Ascend910A", "ascend910b", "alng2", "Ascend910B0123456789012345678901234567890"}) {
    EXPECT_EQ(alngCannSetProduct(name), 100000) << name;
    EXPECT_NE(recent_message().find("must be one of alng, Ascend950PR, Ascend950DT, Ascend910_93, Ascend910B, "
                                    "Ascend310P, or a chip's name that begins so"),
              std::string::npos);
  }
  EXPECT_STREQ(aclrtGetSocName(), "alng");
  ::setenv("ALNG_SOC", "Ascend9000", 1);
  ASSERT_EQ(alngCannSetProduct(nullptr), 0);
  EXPECT_EQ(aclrtGetSocName(), nullptr);
  EXPECT_NE(recent_message().find("ALNG_SOC: the product is \"Ascend9000\""), std::string::npos);
  EXPECT_EQ(aclInit(nullptr), 100000);
  EXPECT_EQ(aclrtSetDevice(0), 100000);
}

}  // namespace
}  // namespace alng::test
