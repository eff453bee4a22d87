// Reserved addresses, physical memory, and both together: device memory as any other. Batches of copies. Settings.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "cann/tests/acl_problem.h"

namespace alng::test {
namespace {

constexpr std::size_t piece = std::size_t{2} << 20;

aclrtPhysicalMemProp of_device() {
  aclrtPhysicalMemProp properties{};
  properties.memAttr = ACL_HBM_MEM_HUGE;
  properties.location = {0, ACL_MEM_LOCATION_TYPE_DEVICE};
  return properties;
}

std::size_t in_use() {
  std::size_t free = 0, total = 0;
  EXPECT_EQ(aclrtGetMemInfo(ACL_HBM_MEM, &free, &total), 0);
  return total - free;
}

class VirtualMemory : public testing::Test {
 protected:
  VirtualMemory() {
    EXPECT_EQ(aclrtReserveMemAddress(&begin_, 4 * piece, 0, nullptr, 1), 0);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin_) % piece, 0U);
  }
  char* at(std::size_t number) const { return static_cast<char*>(begin_) + number * piece; }
  static aclrtDrvMemHandle physical(std::size_t size = piece) {
    const aclrtPhysicalMemProp properties = of_device();
    aclrtDrvMemHandle handle = nullptr;
    EXPECT_EQ(aclrtMallocPhysical(&handle, size, &properties, 0), 0) << recent_message();
    return handle;
  }
  static std::string copied(const void* from, std::size_t size) {
    std::string text(size, '\0');
    EXPECT_EQ(aclrtMemcpy(text.data(), size, from, size, ACL_MEMCPY_DEVICE_TO_HOST), 0) << recent_message();
    return text;
  }

  Session session_;
  void* begin_ = nullptr;
};

TEST_F(VirtualMemory, HasAGranularity) {
  aclrtPhysicalMemProp properties = of_device();
  for (const auto option : {ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM, ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED}) {
    std::size_t granularity = 0;
    EXPECT_EQ(aclrtMemGetAllocationGranularity(&properties, option, &granularity), 0);
    EXPECT_EQ(granularity, piece);
  }
}

TEST_F(VirtualMemory, OneMemoryAtTwoAddresses) {
  aclrtDrvMemHandle handle = physical();
  ASSERT_EQ(aclrtMapMem(at(0), piece, 0, handle, 0), 0) << recent_message();
  ASSERT_EQ(aclrtMapMem(at(2), piece, 0, handle, 0), 0) << recent_message();
  ASSERT_EQ(aclrtMemset(at(0), piece, 'a', piece), 0) << recent_message();
  EXPECT_EQ(copied(at(2) + piece - 3, 3), "aaa");
  ASSERT_EQ(aclrtMemcpy(at(2) + 1, 1, "b", 1, ACL_MEMCPY_HOST_TO_DEVICE), 0);
  EXPECT_EQ(copied(at(0), 3), "aba");
  // It outlives its handle, and either mapping.
  EXPECT_EQ(aclrtFreePhysical(handle), 0);
  EXPECT_EQ(aclrtUnmapMem(at(0)), 0);
  EXPECT_EQ(copied(at(2), 3), "aba");
  expect_refused(aclrtMemset(at(0), 1, 0, 1), 107000, "devPtr is 0x");
  EXPECT_EQ(aclrtUnmapMem(at(2)), 0);
  EXPECT_EQ(aclrtReleaseMemAddress(begin_), 0);
}

TEST_F(VirtualMemory, WhatFollowsEachOtherIsOneRange) {
  // As frameworks grow a segment.
  aclrtDrvMemHandle handles[] = {physical(), physical(2 * piece)};
  ASSERT_EQ(aclrtMapMem(at(0), piece, 0, handles[0], 0), 0);
  expect_refused(aclrtMemset(at(0) + piece - 8, 16, 1, 16), 107000, "a mapping of 2097152 bytes of device 0");
  ASSERT_EQ(aclrtMapMem(at(1), 2 * piece, 0, handles[1], 0), 0);
  EXPECT_EQ(aclrtMemset(at(0), 3 * piece, 'x', 3 * piece), 0) << recent_message();
  EXPECT_EQ(copied(at(1) - 2, 4), "xxxx");
  expect_refused(aclrtMemset(at(0), 4 * piece, 1, 3 * piece + 1), 107000, "but all 6291457 bytes must be memory");
}

TEST_F(VirtualMemory, TheOperatorTakesIt) {
  aclrtDrvMemHandle handles[] = {physical(), physical()};
  for (std::size_t i = 0; i < 2; ++i) ASSERT_EQ(aclrtMapMem(at(i), piece, 0, handles[i], 0), 0);
  AclProblem problem;
  // dx lies on the border of two mappings.
  problem.specs[dx].data = at(1) - 16;
  const TestStream stream;
  ASSERT_EQ(problem.run(stream.get()), 0) << recent_message();
  std::vector<float> result(12);
  ASSERT_EQ(aclrtMemcpy(result.data(), 48, at(1) - 16, 48, ACL_MEMCPY_DEVICE_TO_HOST), 0);
  EXPECT_EQ(result, expected_results()[0]);
  // And tells what is gone.
  AclProblem late;
  late.specs[dx].data = at(1) - 16;
  EXPECT_EQ(aclrtUnmapMem(at(1)), 0);
  EXPECT_EQ(late.run(stream.get()), 507015);
}

TEST_F(VirtualMemory, CountsAsInUse) {
  const std::size_t before = in_use();
  aclrtDrvMemHandle handle = physical(3 * piece);
  EXPECT_EQ(in_use(), before + 3 * piece);
  ASSERT_EQ(aclrtMapMem(at(0), 3 * piece, 0, handle, 0), 0);
  EXPECT_EQ(aclrtFreePhysical(handle), 0);
  EXPECT_EQ(in_use(), before + 3 * piece);
  EXPECT_EQ(aclrtUnmapMem(at(0)), 0);
  EXPECT_EQ(in_use(), before);
}

TEST_F(VirtualMemory, GoesWithItsDeviceAndIsCountedSo) {
  for (const bool force : {false, true}) {
    void* block = nullptr;
    ASSERT_EQ(aclrtMalloc(&block, 1000, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    void* of_host = nullptr;
    ASSERT_EQ(aclrtMallocHost(&of_host, 64), 0);
    aclrtDrvMemHandle mapped = physical(), unmapped = physical();
    ASSERT_EQ(aclrtMapMem(at(0), piece, 0, mapped, 0), 0);
    EXPECT_EQ(in_use(), 1000 + 2 * piece);
    ASSERT_EQ(force ? aclrtResetDeviceForce(0) : aclrtResetDevice(0), 0);
    ASSERT_EQ(aclrtSetDevice(0), 0);
    EXPECT_EQ(in_use(), 0U);
    expect_refused(aclrtFreePhysical(mapped), 107017, "none of aclrtMallocPhysical");
    expect_refused(aclrtFreePhysical(unmapped), 107017, "none of aclrtMallocPhysical");
    expect_refused(aclrtUnmapMem(at(0)), 107000, "which was freed but must be where aclrtMapMem mapped memory");
    ASSERT_EQ(aclrtMalloc(&block, 500, ACL_MEM_MALLOC_HUGE_FIRST), 0);
    EXPECT_EQ(in_use(), 500U);
    ASSERT_EQ(aclrtFree(block), 0);
    EXPECT_EQ(in_use(), 0U);
    EXPECT_EQ(aclrtFreeHost(of_host), 0);
  }
  EXPECT_EQ(aclrtReleaseMemAddress(begin_), 0);
}

TEST_F(VirtualMemory, WrongUsesAreRefused) {
  aclrtPhysicalMemProp properties = of_device();
  aclrtDrvMemHandle handle = physical(), other = nullptr;
  void* made = nullptr;
  expect_refused(aclrtReserveMemAddress(nullptr, piece, 0, nullptr, 0), 100000, "virPtr is null");
  expect_refused(aclrtReserveMemAddress(&made, piece + 1, 0, nullptr, 0), 107000,
                 "size is 2097153 but must be a multiple");
  expect_refused(aclrtReserveMemAddress(&made, 0, 0, nullptr, 0), 107000, "size is 0 but must be a multiple");
  expect_refused(aclrtReserveMemAddress(&made, SIZE_MAX - piece + 1, 0, nullptr, 0), 107000,
                 "more than addresses reach");
  expect_refused(aclrtReserveMemAddress(&made, std::size_t{1} << 60, 0, nullptr, 0), 207001, "but the system says: ");
  expect_refused(aclrtReserveMemAddress(&made, piece, 64, nullptr, 0), 107000, "alignment is 64 but must be 0");
  expect_refused(aclrtReserveMemAddress(&made, piece, 0, nullptr, 2), 107000, "flags is 2 but must be 0 or 1");
  expect_refused(aclrtReleaseMemAddress(nullptr), 100000, "virPtr is null");
  expect_refused(aclrtReleaseMemAddress(at(1)), 107000, "must be what aclrtReserveMemAddress gave");
  expect_refused(aclrtMallocPhysical(nullptr, piece, &properties, 0), 100000, "handle is null");
  expect_refused(aclrtMallocPhysical(&other, piece, nullptr, 0), 100000, "prop is null");
  expect_refused(aclrtMallocPhysical(&other, piece - 1, &properties, 0), 107000, "size is 2097151");
  expect_refused(aclrtMallocPhysical(&other, piece, &properties, 1), 107000, "flags is 1 but must be 0");
  expect_refused(aclrtMallocPhysical(&other, std::size_t{1} << 50, &properties, 0), 207001, "but device 0 has ");
  properties.location.type = ACL_MEM_LOCATION_TYPE_HOST;
  expect_refused(aclrtMallocPhysical(&other, piece, &properties, 0), 207000, "is the host but must be a device");
  properties.location = {9, ACL_MEM_LOCATION_TYPE_DEVICE};
  expect_refused(aclrtMallocPhysical(&other, piece, &properties, 0), 107001,
                 "prop->location.id is 9 but must be 0 to ");
  EXPECT_EQ(other, nullptr);
  std::size_t granularity = 0;
  expect_refused(aclrtMemGetAllocationGranularity(&properties, ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM, nullptr), 100000,
                 "granularity is null");
  expect_refused(aclrtMemGetAllocationGranularity(&properties, ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM, &granularity),
                 107001, "prop->location.id is 9");
  expect_refused(aclrtMapMem(nullptr, piece, 0, handle, 0), 100000, "virPtr is null");
  expect_refused(aclrtMapMem(at(0), piece, 0, nullptr, 0), 100000, "handle is null");
  expect_refused(aclrtMapMem(at(0), piece, 0, &properties, 0), 107017, "none of aclrtMallocPhysical");
  expect_refused(aclrtMapMem(at(0), 2 * piece, 0, handle, 0), 107000, "must be that of the memory, 2097152");
  expect_refused(aclrtMapMem(at(0), piece, 4096, handle, 0), 107000, "offset is 4096 but must be 0");
  expect_refused(aclrtMapMem(at(0), piece, 0, handle, 1), 107000, "flags is 1 but must be 0");
  expect_refused(aclrtMapMem(at(4), piece, 0, handle, 0), 107000, "bytes are reserved by one");
  expect_refused(aclrtMapMem(at(3) + 4096, piece, 0, handle, 0), 107000, "bytes are reserved by one");
  expect_refused(aclrtMapMem(at(1) + 4096, piece, 0, handle, 0), 107000, "virPtr must be a multiple");
  ASSERT_EQ(aclrtMapMem(at(1), piece, 0, handle, 0), 0);
  expect_refused(aclrtMapMem(at(1), piece, 0, handle, 0), 107000, "memory is mapped there already");
  expect_refused(aclrtFree(at(1)), 107000, "a mapping of 2097152 bytes of device 0 but must be what aclrtMalloc gave");
  expect_refused(aclrtUnmapMem(at(1) + 1), 107000, "1 bytes into a mapping of 2097152 bytes");
  expect_refused(aclrtUnmapMem(nullptr), 100000, "virPtr is null");
  expect_refused(aclrtReleaseMemAddress(begin_), 107000, "aclrtUnmapMem comes first");
  EXPECT_EQ(aclrtUnmapMem(at(1)), 0);
  EXPECT_EQ(aclrtFreePhysical(handle), 0);
  expect_refused(aclrtFreePhysical(handle), 107017, "or is destroyed");
  expect_refused(aclrtFreePhysical(nullptr), 100000, "handle is null");
  EXPECT_EQ(aclrtReleaseMemAddress(begin_), 0);
  expect_refused(aclrtReleaseMemAddress(begin_), 107000, "and is not released yet");
  expect_refused(aclrtMapMem(at(0), piece, 0, physical(), 0), 107000, "bytes are reserved by one");
}

class Batches : public testing::TestWithParam<bool> {
 protected:
  Batches() {
    std::iota(host_.begin(), host_.end(), 0);
    for (std::size_t i = 0; i < 4; ++i) {
      dsts_.push_back(static_cast<char*>(memory_.get()) + 16 * i);
      srcs_.push_back(host_.data() + 16 * i);
    }
    // The last comes back.
    std::swap(dsts_[3], srcs_[3]);
    dsts_[3] = back_.data();
    srcs_[3] = memory_.get();
  }
  int copy() {
    if (!GetParam()) {
      return aclrtMemcpyBatch(dsts_.data(), most_.data(), srcs_.data(), sizes_.data(), count_, attributes_.data(),
                              begins_.data(), attribute_count_, &failed_);
    }
    const int code =
        aclrtMemcpyBatchAsync(dsts_.data(), most_.data(), srcs_.data(), sizes_.data(), count_, attributes_.data(),
                              begins_.data(), attribute_count_, &failed_, stream_.get());
    return code != 0 ? code : aclrtSynchronizeStream(stream_.get());
  }
  void expect_refused(int expected, const char* sentence, std::size_t failed) {
    EXPECT_EQ(copy(), expected);
    const std::string message = recent_message();
    EXPECT_NE(message.find(sentence), std::string::npos) << message;
    EXPECT_EQ(failed_, failed);
    EXPECT_EQ(memory_.contents(), std::vector<std::byte>(64));  // nothing is written
  }

  Session session_;
  TestStream stream_;
  DeviceMemory memory_{64};
  std::vector<char> host_ = std::vector<char>(64), back_ = std::vector<char>(16);
  std::vector<void*> dsts_, srcs_;
  std::vector<std::size_t> most_ = std::vector<std::size_t>(4, 16), sizes_ = {16, 16, 8, 16}, begins_ = {0, 3};
  std::vector<aclrtMemcpyBatchAttr> attributes_ = {
      {{0, ACL_MEM_LOCATION_TYPE_DEVICE}, {0, ACL_MEM_LOCATION_TYPE_HOST}, {}},
      {{0, ACL_MEM_LOCATION_TYPE_HOST}, {0, ACL_MEM_LOCATION_TYPE_DEVICE}, {}}};
  std::size_t count_ = 4, attribute_count_ = 2, failed_ = 77;
};
INSTANTIATE_TEST_SUITE_P(NowAndLater, Batches, testing::Bool(),
                         [](const auto& which) { return which.param ? "Async" : "Sync"; });

TEST_P(Batches, CopyInOrder) {
  EXPECT_EQ(copy(), 0) << recent_message();
  EXPECT_EQ(failed_, SIZE_MAX);
  const std::vector<std::byte> contents = memory_.contents();
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(contents[i], i < 40 ? static_cast<std::byte>(i) : std::byte{0}) << i;
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(back_[i], static_cast<char>(i));
}

TEST_P(Batches, AreJudgedWholeBeforeAnythingIsCopied) {
  sizes_[2] = 17;
  expect_refused(100000, "count is 17 but must be at most destMax, 16 (copy 2 of 4)", 2);
  sizes_[2] = 8;
  begins_[1] = 2;  // the third goes the wrong way
  expect_refused(107000, "(copy 2 of 4)", 2);
  begins_[1] = 3;
  dsts_[1] = nullptr;
  expect_refused(100000, "dst is null but must be a pointer (copy 1 of 4)", 1);
}

TEST_P(Batches, WrongNumbersAreRefused) {
  count_ = 0;
  expect_refused(100000, "numBatches is 0 but must be at least 1", SIZE_MAX);
  count_ = 4;
  attribute_count_ = 0;
  expect_refused(100000, "numAttrs is 0 but must be 1 to numBatches, 4", SIZE_MAX);
  attribute_count_ = 5;
  expect_refused(100000, "numAttrs is 5", SIZE_MAX);
  attribute_count_ = 2;
  begins_ = {1, 3};
  expect_refused(100000, "attrsIndexes[0] is 1 but must begin with 0 and rise, below numBatches, 4", SIZE_MAX);
  begins_ = {0, 0};
  expect_refused(100000, "attrsIndexes[1] is 0", SIZE_MAX);
  begins_ = {0, 4};
  expect_refused(100000, "attrsIndexes[1] is 4", SIZE_MAX);
  begins_ = {0, 3};
  attributes_[1].srcLoc.id = 5;
  expect_refused(107001, "attrs[1].srcLoc.id is 5 but must be 0 to ", SIZE_MAX);
}

TEST(BatchArrays, AreAllNeeded) {
  const Session session;
  std::size_t failed = 0, one = 1;
  void* pointer = &one;
  aclrtMemcpyBatchAttr attribute{};
  expect_refused(aclrtMemcpyBatch(nullptr, &one, &pointer, &one, 1, &attribute, &one, 1, &failed), 100000,
                 "dsts is null");
  expect_refused(aclrtMemcpyBatch(&pointer, &one, &pointer, &one, 1, &attribute, &one, 1, nullptr), 100000,
                 "failIndex is null");
}

TEST(Settings, NoDeviceReachesAnothersMemory) {
  const Session session;
  std::int32_t can = 7;
  EXPECT_EQ(aclrtDeviceCanAccessPeer(&can, 0, 0), 0);
  EXPECT_EQ(can, 0);
  EXPECT_EQ(aclrtDeviceCanAccessPeer(nullptr, 0, 0), 100000);
  expect_refused(aclrtDeviceCanAccessPeer(&can, 0, 99), 107001, "peerDeviceId is 99 but must be 0 to ");
  EXPECT_EQ(aclrtDeviceCanAccessPeer(&can, -1, 0), 107001);
  expect_refused(aclrtDeviceEnablePeerAccess(0, 0), 207000, "peerDeviceId is 0, this thread's own device");
  EXPECT_EQ(aclrtDeviceEnablePeerAccess(0, 1), 107000);
  EXPECT_EQ(aclrtDeviceEnablePeerAccess(99, 0), 107001);
  expect_refused(aclrtDeviceDisablePeerAccess(0), 107000, "access to device 0 was not enabled");
}

TEST(Settings, OverflowGivesInfinity) {
  const Session session;
  aclrtFloatOverflowMode mode = ACL_RT_OVERFLOW_MODE_UNDEF;
  EXPECT_EQ(aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_INFNAN), 0);
  EXPECT_EQ(aclrtGetDeviceSatMode(&mode), 0);
  EXPECT_EQ(mode, ACL_RT_OVERFLOW_MODE_INFNAN);
  expect_refused(aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_SATURATION), 207000,
                 "mode is 0, saturation, but must be 1");
  EXPECT_EQ(aclrtSetDeviceSatMode(ACL_RT_OVERFLOW_MODE_UNDEF), 100000);
  EXPECT_EQ(aclrtGetDeviceSatMode(nullptr), 100000);
}

}  // namespace
}  // namespace alng::test
