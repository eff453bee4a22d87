// Many threads at once. ThreadSanitizer looks on.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cann/tests/acl_problem.h"
#include "cann/tests/in_threads.h"

namespace alng::test {
namespace {

constexpr int threads = 8;

// Each with the device.
template <class Call>
void in_device_threads(int count, const Call& call) {
  in_threads(count, [&call](int i) {
    EXPECT_EQ(aclrtSetDevice(0), 0);
    call(i);
    EXPECT_EQ(aclrtResetDevice(0), 0);
  });
}

void expect_right(const AclProblem& problem) {
  static const auto expected = expected_results();
  EXPECT_EQ(problem.values(dx), expected[0]);
  EXPECT_EQ(problem.values(dgamma), expected[1]);
  EXPECT_EQ(problem.values(dbeta), expected[2]);
}

TEST(Concurrency, EachThreadItsOwnStreamsAndExecutors) {
  const Session session;
  in_device_threads(threads, [](int) {
    const TestStream first, second;
    for (int i = 0; i < 50; ++i) {
      AclProblem problem;
      ASSERT_EQ(problem.run(i % 2 == 0 ? first.get() : second.get()), 0) << recent_message();
      expect_right(problem);
    }
  });
}

TEST(Concurrency, OneStreamFedFromManyThreads) {
  const Session session;
  const TestStream stream;
  in_device_threads(threads, [&](int) {
    std::vector<std::unique_ptr<AclProblem>> problems;
    for (int i = 0; i < 20; ++i) {
      problems.push_back(std::make_unique<AclProblem>());
      ASSERT_EQ(problems.back()->phase_1(), 0);
      ASSERT_EQ(problems.back()->phase_2(stream.get()), 0);
    }
    ASSERT_EQ(aclrtSynchronizeStream(stream.get()), 0) << recent_message();
    for (const auto& problem : problems) expect_right(*problem);
  });
}

TEST(Concurrency, OneRepeatableExecutorRunByMany) {
  const Session session;
  AclProblem problem;
  ASSERT_EQ(problem.phase_1(), 0);
  ASSERT_EQ(aclSetAclOpExecutorRepeatable(problem.executor), 0);
  problem.workspace();
  const TestStream stream;
  in_device_threads(threads, [&](int) {
    for (int i = 0; i < 50; ++i) {
      // In one stream, where the runs take turns in the outputs and the workspace.
      ASSERT_EQ(problem.phase_2(stream.get()), 0);
      ASSERT_EQ(aclSetTensorAddr(problem.executor, 0, problem.tensor(dy), problem.memory(dy).get()), 0);
    }
    ASSERT_EQ(aclrtSynchronizeStream(stream.get()), 0);
  });
  expect_right(problem);
  EXPECT_EQ(aclDestroyAclOpExecutor(problem.executor), 0);
}

TEST(Concurrency, AnExecutorIsUsedUpOnce) {
  const Session session;
  for (int i = 0; i < 50; ++i) {
    AclProblem problem;
    ASSERT_EQ(problem.phase_1(), 0);
    problem.workspace();
    const TestStream stream;
    std::atomic<int> succeeded = 0;
    in_device_threads(3, [&](int) {
      const int code = problem.phase_2(stream.get());
      EXPECT_TRUE(code == 0 || code == 161002) << code;
      EXPECT_EQ(code != 0, recent_message().find("was used up by the second") != std::string::npos);
      if (code == 0) ++succeeded;
    });
    EXPECT_EQ(succeeded, 1);
    EXPECT_EQ(aclrtSynchronizeStream(stream.get()), 0);
    expect_right(problem);
  }
}

TEST(Concurrency, StreamsWaitForEachOthersEvents) {
  const Session session;
  // A ring: each thread's stream waits for the event of the one before, and the first for nobody.
  std::vector<aclrtEvent> events(threads);
  for (aclrtEvent& event : events) ASSERT_EQ(aclrtCreateEvent(&event), 0);
  DeviceMemory memory(threads);
  in_device_threads(threads, [&](int i) {
    const TestStream stream;
    const auto at = static_cast<std::size_t>(i);
    if (i > 0) {
      ASSERT_EQ(aclrtStreamWaitEvent(stream.get(), events[at - 1]), 0);
      ASSERT_EQ(aclrtMemcpyAsync(static_cast<char*>(memory.get()) + i, 1, static_cast<char*>(memory.get()) + i - 1, 1,
                                 ACL_MEMCPY_DEVICE_TO_DEVICE, stream.get()),
                0);
    } else {
      ASSERT_EQ(aclrtMemsetAsync(memory.get(), 1, 77, 1, stream.get()), 0);
    }
    ASSERT_EQ(aclrtRecordEvent(events[at], stream.get()), 0);
    ASSERT_EQ(aclrtSynchronizeStream(stream.get()), 0);
  });
  EXPECT_EQ(memory.contents(), std::vector<std::byte>(threads, std::byte{77}));
  for (aclrtEvent event : events) EXPECT_EQ(aclrtDestroyEvent(event), 0);
}

TEST(Concurrency, StreamsAreDestroyedWhileOthersUseThem) {
  const Session session;
  for (int i = 0; i < 20; ++i) {
    aclrtStream stream = nullptr;
    ASSERT_EQ(aclrtCreateStream(&stream), 0);
    DeviceMemory memory(8);
    in_device_threads(4, [&](int thread) {
      if (thread == 0) {
        EXPECT_EQ(aclrtDestroyStream(stream), 0);
        return;
      }
      for (int k = 0; k < 20; ++k) {
        const int code = aclrtMemsetAsync(memory.get(), 8, k, 8, stream);
        EXPECT_TRUE(code == 0 || code == 107003) << code;
        const int waited = aclrtSynchronizeStream(stream);
        EXPECT_TRUE(waited == 0 || waited == 107003) << waited;
      }
    });
  }
}

TEST(Concurrency, MemoryOfManyThreads) {
  const Session session;
  in_device_threads(threads, [](int i) {
    std::vector<char> host(100, static_cast<char>(i));
    for (int k = 0; k < 100; ++k) {
      void* memory = nullptr;
      ASSERT_EQ(aclrtMalloc(&memory, host.size(), ACL_MEM_MALLOC_HUGE_FIRST), 0);
      ASSERT_EQ(aclrtMemcpy(memory, host.size(), host.data(), host.size(), ACL_MEMCPY_HOST_TO_DEVICE), 0);
      ASSERT_EQ(aclrtMemset(memory, host.size(), i, host.size()), 0);
      ASSERT_EQ(aclrtFree(memory), 0);
    }
  });
}

}  // namespace
}  // namespace alng::test
