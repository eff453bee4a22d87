// Memory: every block is known, every copy is judged.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "cann/tests/acl_problem.h"
#include "cann/tests/any_number.h"

namespace alng::test {
namespace {

void* allocate(std::size_t size) {
  void* memory = nullptr;
  EXPECT_EQ(aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  return memory;
}

TEST(DeviceMemory, IsAlignedAndCounted) {
  const Session session;
  std::size_t free_before = 0, free_now = 0, total = 0;
  ASSERT_EQ(aclrtGetMemInfo(ACL_HBM_MEM, &free_before, &total), 0);
  EXPECT_GT(total, 0U);
  void* blocks[3] = {};
  EXPECT_EQ(aclrtMalloc(&blocks[0], 1000, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  EXPECT_EQ(aclrtMallocAlign32(&blocks[1], 1, ACL_MEM_MALLOC_NORMAL_ONLY), 0);
  EXPECT_EQ(aclrtMallocCached(&blocks[2], 33, ACL_MEM_MALLOC_HUGE_ONLY), 0);
  for (void* block : blocks) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0U);
  ASSERT_EQ(aclrtGetMemInfo(ACL_DDR_MEM, &free_now, &total), 0);
  EXPECT_EQ(free_before - free_now, 1034U);
  for (void* block : blocks) EXPECT_EQ(aclrtFree(block), 0);
  ASSERT_EQ(aclrtGetMemInfo(ACL_DDR_MEM, &free_now, &total), 0);
  EXPECT_EQ(free_before, free_now);
}

TEST(DeviceMemory, MoreThanThereIsIsRefused) {
  const Session session;
  std::size_t free = 0, total = 0;
  ASSERT_EQ(aclrtGetMemInfo(ACL_HBM_MEM, &free, &total), 0);
  void* memory = nullptr;
  expect_refused(aclrtMalloc(&memory, total + 1, ACL_MEM_MALLOC_HUGE_FIRST), 207001,
                 "device 0 has " + std::to_string(total));
  EXPECT_EQ(aclrtMalloc(&memory, SIZE_MAX, ACL_MEM_MALLOC_HUGE_FIRST), 207001);
  EXPECT_EQ(memory, nullptr);
}

TEST(DeviceMemory, IsFreedOnceAndByItsStart) {
  const Session session;
  char* const block = static_cast<char*>(allocate(100));
  expect_refused(aclrtFree(block + 16), 107000, "16 bytes into a block of 100 bytes of device 0");
  expect_refused(aclrtFreeHost(block), 107000,
                 "a block of 100 bytes of device 0 but must be what aclrtMallocHost gave");
  EXPECT_EQ(aclrtFree(block), 0);
  expect_refused(aclrtFree(block), 107000, "which was freed");
  int foreign = 0;
  expect_refused(aclrtFree(&foreign), 107000, "no memory of this runtime");
}

TEST(HostMemory, IsFreedOnceAndByItsStart) {
  const Session session;
  void* memory = nullptr;
  ASSERT_EQ(aclrtMallocHost(&memory, 10), 0);
  std::memset(memory, 1, 10);
  expect_refused(aclrtFree(memory), 107000, "a block of 10 bytes of the host but must be what aclrtMalloc gave");
  EXPECT_EQ(aclrtFreeHost(memory), 0);
  EXPECT_EQ(aclrtFreeHost(memory), 107000);
}

TEST(DeviceMemory, GoesWithItsDevice) {
  ASSERT_EQ(aclrtSetDevice(0), 0);
  void* const block = allocate(64);
  EXPECT_EQ(aclrtResetDevice(0), 0);
  expect_refused(aclrtFree(block), 107000, "which was freed");
}

TEST(Leaks, AreListedWhereTheyAreAskedFor) {
  ::setenv("ALNG_CANN_DEBUG", "1", 1);
  testing::internal::CaptureStderr();
  ASSERT_EQ(aclInit(nullptr), 0);
  ASSERT_EQ(aclrtSetDevice(0), 0);
  EXPECT_EQ(aclFinalize(), 0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "aclFinalize: never freed:\nnothing\n");

  testing::internal::CaptureStderr();
  ASSERT_EQ(aclInit(nullptr), 0);
  allocate(100);
  void* const host = [] {
    void* memory = nullptr;
    EXPECT_EQ(aclrtMallocHost(&memory, 7), 0);
    return memory;
  }();
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  aclrtEvent event = nullptr;
  ASSERT_EQ(aclrtCreateEvent(&event), 0);
  const std::int64_t extent = 4;
  aclTensor* const tensor = aclCreateTensor(&extent, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &extent, 1, nullptr);
  aclIntArray* const array = aclCreateIntArray(&extent, 1);
  EXPECT_EQ(aclFinalize(), 0);
  const std::string text = testing::internal::GetCapturedStderr();
  for (const char* line : {": 100 bytes of device 0\n", ": 7 bytes of the host\n", "1 streams\n", "1 events\n",
                           "1 tensors\n", "1 int arrays\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "is missing in:\n" << text;
  }

  EXPECT_EQ(aclrtFreeHost(host), 0);
  EXPECT_EQ(aclrtDestroyEvent(event), 0);
  EXPECT_EQ(aclDestroyTensor(tensor), 0);
  EXPECT_EQ(aclDestroyIntArray(array), 0);
  ASSERT_EQ(aclInit(nullptr), 0);
  EXPECT_EQ(aclrtResetDevice(0), 0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(aclFinalize(), 0);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("1 blocks of 100 bytes in all, given back by aclrtResetDevice"),
            std::string::npos);
  ::unsetenv("ALNG_CANN_DEBUG");
}

class Copies : public testing::TestWithParam<bool> {
 protected:
  Copies() : device_(allocate(64)), other_device_(allocate(64)) {
    std::iota(host_.begin(), host_.end(), 0);
    EXPECT_EQ(aclrtMemcpy(device_, 64, host_.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE), 0);
  }

  // At once, or as work of a stream and waited for.
  int copy(void* dst, std::size_t most, const void* src, std::size_t count, aclrtMemcpyKind kind) {
    if (!GetParam()) return aclrtMemcpy(dst, most, src, count, kind);
    const int code = aclrtMemcpyAsync(dst, most, src, count, kind, stream_.get());
    return code != 0 ? code : aclrtSynchronizeStream(stream_.get());
  }
  int fill(void* pointer, std::size_t most, int value, std::size_t count) {
    if (!GetParam()) return aclrtMemset(pointer, most, value, count);
    const int code = aclrtMemsetAsync(pointer, most, value, count, stream_.get());
    return code != 0 ? code : aclrtSynchronizeStream(stream_.get());
  }

  Session session_;
  TestStream stream_;
  void* device_;
  void* other_device_;
  std::vector<char> host_ = std::vector<char>(64);
  std::vector<char> other_host_ = std::vector<char>(64);
};
INSTANTIATE_TEST_SUITE_P(NowAndLater, Copies, testing::Bool(),
                         [](const auto& which) { return which.param ? "Async" : "Sync"; });

TEST_P(Copies, GoEveryWay) {
  EXPECT_EQ(copy(other_device_, 64, device_, 64, ACL_MEMCPY_DEVICE_TO_DEVICE), 0);
  EXPECT_EQ(copy(other_host_.data(), 64, other_device_, 64, ACL_MEMCPY_DEVICE_TO_HOST), 0);
  EXPECT_EQ(other_host_, host_);
  EXPECT_EQ(copy(other_host_.data(), 64, host_.data() + 32, 32, ACL_MEMCPY_HOST_TO_HOST), 0);
  EXPECT_EQ(other_host_[0], 32);
  EXPECT_EQ(copy(other_host_.data(), 64, static_cast<char*>(device_) + 3, 5, ACL_MEMCPY_DEVICE_TO_HOST), 0);
  EXPECT_EQ(other_host_[4], 7);
  EXPECT_EQ(copy(other_host_.data(), 0, device_, 0, ACL_MEMCPY_DEVICE_TO_HOST), 0);
}

TEST_P(Copies, FindOutTheirKind) {
  EXPECT_EQ(copy(other_device_, 64, device_, 64, ACL_MEMCPY_DEFAULT), 0);
  EXPECT_EQ(copy(other_host_.data(), 64, other_device_, 64, ACL_MEMCPY_DEFAULT), 0);
  EXPECT_EQ(other_host_, host_);
  other_host_[5] = 99;
  EXPECT_EQ(copy(other_device_, 64, other_host_.data(), 64, ACL_MEMCPY_DEFAULT), 0);
  EXPECT_EQ(copy(host_.data(), 64, other_host_.data(), 64, ACL_MEMCPY_DEFAULT), 0);
  EXPECT_EQ(host_[5], 99);
}

TEST_P(Copies, OfTheWrongKindAreRefused) {
  expect_refused(copy(host_.data(), 64, other_host_.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE), 107000, "dst is 0x");
  expect_refused(copy(other_device_, 64, device_, 64, ACL_MEMCPY_HOST_TO_DEVICE), 107000,
                 "but all 64 bytes must be memory of the host");
  EXPECT_EQ(copy(host_.data(), 64, other_host_.data(), 64, ACL_MEMCPY_DEVICE_TO_HOST), 107000);
  EXPECT_EQ(copy(device_, 64, host_.data(), 64, ACL_MEMCPY_DEVICE_TO_DEVICE), 107000);
  EXPECT_EQ(copy(device_, 64, host_.data(), 64, ACL_MEMCPY_HOST_TO_HOST), 107000);
  expect_refused(copy_of_kind(device_, 64, host_.data(), 64, 5), 100000, "kind is 5");
}

TEST_P(Copies, BeyondABlockAreRefused) {
  expect_refused(copy(device_, 65, host_.data(), 65, ACL_MEMCPY_HOST_TO_DEVICE), 107000,
                 "a block of 64 bytes of device 0, but all 65 bytes must be memory of the device");
  EXPECT_EQ(copy(static_cast<char*>(device_) + 60, 5, host_.data(), 5, ACL_MEMCPY_HOST_TO_DEVICE), 107000);
  expect_refused(copy(device_, 63, host_.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE), 100000,
                 "count is 64 but must be at most destMax, 63");
}

TEST_P(Copies, FillMemory) {
  EXPECT_EQ(fill(static_cast<char*>(device_) + 1, 63, 0x1A5, 2), 0);
  EXPECT_EQ(copy(other_host_.data(), 64, device_, 64, ACL_MEMCPY_DEVICE_TO_HOST), 0);
  EXPECT_EQ(other_host_[0], 0);
  EXPECT_EQ(other_host_[1], static_cast<char>(0xA5));
  EXPECT_EQ(other_host_[2], static_cast<char>(0xA5));
  EXPECT_EQ(other_host_[3], 3);
  expect_refused(fill(device_, 64, 0, 65), 100000, "count is 65 but must be at most maxCount, 64");
  EXPECT_EQ(fill(device_, 65, 0, 65), 107000);
  expect_refused(fill(host_.data(), 64, 0, 64), 107000, "must be memory of the device");
}

}  // namespace
}  // namespace alng::test
