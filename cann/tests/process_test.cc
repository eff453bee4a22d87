// Beginning and end of the process, devices, contexts, options, small functions.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <thread>

#include "acl/acl_op_compiler.h"
#include "acl/acl_prof.h"
#include "alng/tensor.hpp"
#include "alng_cann.h"
#include "cann/tests/acl_problem.h"
#include "cann/tests/any_number.h"
#include "cases/element.h"

namespace alng::test {
namespace {

TEST(Process, BeginsAndEndsOnceAndMayBeginAgain) {
  EXPECT_EQ(aclInit(nullptr), 0);
  EXPECT_EQ(aclInit(nullptr), 100002);
  EXPECT_EQ(aclFinalize(), 0);
  EXPECT_EQ(aclFinalize(), 100037);
  EXPECT_EQ(aclInit(""), 0);
  EXPECT_EQ(aclFinalize(), 0);
  EXPECT_EQ(aclnnInit(nullptr), 0);
  EXPECT_EQ(aclnnFinalize(), 0);
}

TEST(Process, EndsOnlyWhereItHasBegun) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a process of its own
  EXPECT_EXIT(
      {
        const int code = aclFinalize();
        std::fputs(recent_message().c_str(), stderr);
        std::exit(code == 100001 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "aclFinalize: aclInit was not called before");
}

TEST(Process, ConfigurationIsAFileThatExists) {
  expect_refused(aclInit("/nowhere/acl.json"), 100000, "\"/nowhere/acl.json\" but there is no such file");
  EXPECT_EQ(aclnnInit("/nowhere/acl.json"), 161002);
  EXPECT_EQ(aclInit("/proc/self/exe"), 0);
  EXPECT_EQ(aclFinalize(), 0);
}

TEST(Process, HasAVersion) {
  std::int32_t version[3] = {-1, -1, -1};
  EXPECT_EQ(aclrtGetVersion(&version[0], &version[1], &version[2]), 0);
  for (const std::int32_t part : version) EXPECT_GE(part, 0);
}

TEST(Message, NamesProcessTimeAndKindAndIsReadOnce) {
  recent_message();
  EXPECT_EQ(aclGetRecentErrMsg(), nullptr);
  EXPECT_EQ(aclrtGetDeviceCount(nullptr), 100000);
  const std::regex style(
      R"(\[PID: \d+\] \d{4}-\d\d-\d\d-\d\d:\d\d:\d\d\.\d{3}\.\d{3} AclNN_Parameter_Error\(EZ1011\): aclrtGetDeviceCount: count is null but must be a pointer)");
  const char* const message = aclGetRecentErrMsg();
  ASSERT_NE(message, nullptr);
  EXPECT_TRUE(std::regex_match(message, style)) << message;
  EXPECT_EQ(aclGetRecentErrMsg(), nullptr);
}

TEST(Message, BelongsToItsThread) {
  recent_message();
  std::string other;
  std::thread([&other] {
    static_cast<void>(aclrtGetDeviceCount(nullptr));
    other = recent_message();
  }).join();
  EXPECT_NE(other, "");
  EXPECT_EQ(recent_message(), "");
}

TEST(Message, OfASuccessfulCallIsTheOneBefore) {
  EXPECT_EQ(aclrtGetDeviceCount(nullptr), 100000);
  std::uint32_t count = 0;
  EXPECT_EQ(aclrtGetDeviceCount(&count), 0);
  EXPECT_NE(recent_message().find("aclrtGetDeviceCount"), std::string::npos);
}

TEST(Devices, TheCpuIsTheFirst) {
  const Session session;
  std::uint32_t count = 0;
  EXPECT_EQ(aclrtGetDeviceCount(&count), 0);
  EXPECT_GE(count, 1U);
  std::int32_t device = -1;
  EXPECT_EQ(aclrtGetDevice(&device), 0);
  EXPECT_EQ(device, 0);
  aclrtRunMode mode = ACL_DEVICE;
  EXPECT_EQ(aclrtGetRunMode(&mode), 0);
  EXPECT_EQ(mode, ACL_HOST);
}

TEST(Devices, AreResetAsOftenAsTheyWereSet) {
  ASSERT_EQ(aclrtSetDevice(0), 0);
  ASSERT_EQ(aclrtSetDevice(0), 0);
  EXPECT_EQ(aclrtResetDevice(0), 0);
  std::int32_t device = -1;
  EXPECT_EQ(aclrtGetDevice(&device), 0);
  EXPECT_EQ(aclrtResetDevice(0), 0);
  expect_refused(aclrtGetDevice(&device), 107002, "this thread's context is destroyed");
  expect_refused(aclrtResetDevice(0), 107002, "device 0 is not set");
}

TEST(Devices, OfAThreadAreItsOwn) {
  const Session session;
  std::thread([] {
    void* memory = nullptr;
    expect_refused(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST), 107002, "this thread has no device");
    EXPECT_EQ(aclrtSetDevice(0), 0);
    EXPECT_EQ(aclrtMalloc(&memory, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    EXPECT_EQ(aclrtFree(memory), 0);
    EXPECT_EQ(aclrtResetDevice(0), 0);
  }).join();
}

TEST(Contexts, AreMadeCurrentAndDestroyed) {
  const Session session;
  aclrtContext own = nullptr, made = nullptr, now = nullptr;
  ASSERT_EQ(aclrtGetCurrentContext(&own), 0);
  ASSERT_EQ(aclrtCreateContext(&made, 0), 0);
  ASSERT_EQ(aclrtGetCurrentContext(&now), 0);
  EXPECT_EQ(now, made);
  EXPECT_EQ(aclrtSetCurrentContext(own), 0);
  ASSERT_EQ(aclrtGetCurrentContext(&now), 0);
  EXPECT_EQ(now, own);
  EXPECT_EQ(aclrtDestroyContext(made), 0);
  EXPECT_EQ(aclrtSetCurrentContext(made), 107017);
  expect_refused(aclrtDestroyContext(own), 107000, "which goes by aclrtResetDevice");
}

TEST(Contexts, TakeTheirStreamsWithThem) {
  const Session session;
  aclrtContext made = nullptr;
  ASSERT_EQ(aclrtCreateContext(&made, 0), 0);
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  EXPECT_EQ(aclrtDestroyContext(made), 0);
  EXPECT_EQ(aclrtSynchronizeStream(stream), 107003);
}

TEST(Options, AreRemembered) {
  const Session session;
  std::int64_t value = -1;
  EXPECT_EQ(aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 0);
  EXPECT_EQ(value, 0);
  for (const std::int64_t wanted : {1, 2, 3, 0}) {
    EXPECT_EQ(aclrtSetSysParamOpt(ACL_OPT_DETERMINISTIC, wanted), 0);
    EXPECT_EQ(aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 0);
    EXPECT_EQ(value, wanted);
  }
  EXPECT_EQ(aclrtSetSysParamOpt(ACL_OPT_ENABLE_DEBUG_KERNEL, 1), 0);
  EXPECT_EQ(aclrtGetSysParamOpt(ACL_OPT_ENABLE_DEBUG_KERNEL, &value), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(aclrtSetSysParamOpt(ACL_OPT_ENABLE_DEBUG_KERNEL, 0), 0);
}

TEST(Options, OfAContextHideThoseOfTheProcess) {
  const Session session;
  std::int64_t value = -1;
  ASSERT_EQ(aclrtSetSysParamOpt(ACL_OPT_DETERMINISTIC, 2), 0);
  EXPECT_EQ(aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 0);
  EXPECT_EQ(value, 2);
  EXPECT_EQ(aclrtCtxSetSysParamOpt(ACL_OPT_DETERMINISTIC, 1), 0);
  EXPECT_EQ(aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, &value), 0);
  EXPECT_EQ(value, 2);
  ASSERT_EQ(aclrtSetSysParamOpt(ACL_OPT_DETERMINISTIC, 0), 0);
}

TEST(Options, OfTheCompilerAreKept) {
  EXPECT_EQ(aclGetCompileoptSize(ACL_OP_DEBUG_LEVEL), 0U);
  std::array<char, 8> value{};
  expect_refused(aclGetCompileopt(ACL_OP_DEBUG_LEVEL, value.data(), value.size()), 100000,
                 "opt is 5, which was not set");
  EXPECT_EQ(aclSetCompileopt(ACL_OP_JIT_COMPILE, "disable"), 0);
  EXPECT_EQ(aclGetCompileoptSize(ACL_OP_JIT_COMPILE), 8U);
  EXPECT_EQ(aclGetCompileopt(ACL_OP_JIT_COMPILE, value.data(), 8), 0);
  EXPECT_STREQ(value.data(), "disable");
  expect_refused(aclGetCompileopt(ACL_OP_JIT_COMPILE, value.data(), 7), 100000, "length is 7 but must be at least 8");
  EXPECT_EQ(aclSetCompileopt(ACL_OP_JIT_COMPILE, nullptr), 100000);
  EXPECT_EQ(aclopSetCompileFlag(ACL_OP_COMPILE_FUZZ), 0);
}

TEST(Process, WhatIsNotHereSaysSo) {
  expect_refused(aclopCompile("Add", 0, nullptr, 0, nullptr, nullptr, ACL_ENGINE_SYS, ACL_COMPILE_SYS, nullptr), 200001,
                 "opType is \"Add\" but no operator is called by name here");
  EXPECT_EQ(aclopCompileAndExecute("Add", 0, nullptr, nullptr, 0, nullptr, nullptr, nullptr, ACL_ENGINE_SYS,
                                   ACL_COMPILE_SYS, nullptr, nullptr),
            200001);
  EXPECT_EQ(aclopCompileAndExecuteV2("Add", 0, nullptr, nullptr, 0, nullptr, nullptr, nullptr, ACL_ENGINE_SYS,
                                     ACL_COMPILE_SYS, nullptr, nullptr),
            200001);
  EXPECT_EQ(aclopCompile(nullptr, 0, nullptr, 0, nullptr, nullptr, ACL_ENGINE_SYS, ACL_COMPILE_SYS, nullptr), 100000);
  recent_message();
  EXPECT_EQ(aclprofCreateConfig(nullptr, 0, ACL_AICORE_NONE, nullptr, ACL_PROF_ACL_API), nullptr);
  EXPECT_NE(recent_message().find("aclprofCreateConfig: there is no profiling here"), std::string::npos);
  for (const int code : {aclprofInit("/tmp", 4), aclprofStart(nullptr), aclprofStop(nullptr),
                         aclprofDestroyConfig(nullptr), aclprofFinalize()}) {
    EXPECT_EQ(code, 200001);
  }
}

TEST(Numbers, EveryFloat16IsItsOwnNumber) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<aclFloat16>(bits);
    std::byte memory[2];
    std::memcpy(memory, &half, 2);
    const double expected = cases::load(DType::float16, memory);
    const float got = aclFloat16ToFloat(half);
    if (expected != expected) {
      EXPECT_TRUE(std::isnan(got)) << bits;
      EXPECT_EQ(aclFloatToFloat16(got), 0x7E00) << bits;
    } else {
      EXPECT_EQ(static_cast<double>(got), expected) << bits;
      EXPECT_EQ(std::signbit(got), (bits & 0x8000) != 0) << bits;
      EXPECT_EQ(aclFloatToFloat16(got), half) << bits;
    }
  }
}

TEST(Numbers, AFloatGoesToTheNearestFloat16TiesToEven) {
  // Between every two neighbours: the middle, and the floats just beside it; then over all of float32.
  std::vector<float> values = {65519.996F, 65520.0F, 1e30F, 5.9604645e-8F / 2, 2.98e-8F, 1e-40F};
  for (std::uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float middle = (aclFloat16ToFloat(static_cast<aclFloat16>(bits)) / 2 +
                          aclFloat16ToFloat(static_cast<aclFloat16>(bits + 1)) / 2);
    values.insert(values.end(), {middle, std::nextafterf(middle, 0), std::nextafterf(middle, 1e9F)});
  }
  for (std::uint32_t bits = 0; bits < 0x7F800000U; bits += 99991) values.push_back(std::bit_cast<float>(bits));
  for (const float magnitude : values) {
    for (const float value : {magnitude, -magnitude}) {
      std::byte memory[2];
      cases::store(DType::float16, static_cast<double>(value), memory);
      aclFloat16 expected;
      std::memcpy(&expected, memory, 2);
      ASSERT_EQ(aclFloatToFloat16(value), expected) << value;
    }
  }
}

TEST(Numbers, SizesOfElements) {
  const std::pair<int, std::size_t> sizes[] = {{-1, 0},  {0, 4},  {1, 2},  {2, 1},  {3, 4},  {4, 1},  {5, 0},  {6, 2},
                                               {7, 2},   {8, 4},  {9, 8},  {10, 8}, {11, 8}, {12, 1}, {13, 0}, {16, 8},
                                               {17, 16}, {27, 2}, {29, 0}, {30, 0}, {33, 4}, {34, 1}, {35, 1}, {36, 1},
                                               {37, 1},  {38, 0}, {39, 0}, {40, 0}, {41, 0}, {999, 0}};
  for (const auto& [dtype, size] : sizes) EXPECT_EQ(size_of_dtype(dtype), size) << dtype;
}

}  // namespace
}  // namespace alng::test
