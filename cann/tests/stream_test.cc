// Streams and events: in order, asynchronous, errors at the wait.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "cann/tests/acl_problem.h"

namespace alng::test {
namespace {

using namespace std::chrono_literals;

class Streams : public testing::Test {
 protected:
  static aclrtEvent create_event(std::uint32_t flag = ACL_EVENT_SYNC | ACL_EVENT_TIME_LINE) {
    aclrtEvent event = nullptr;
    EXPECT_EQ(aclrtCreateEventWithFlag(&event, flag), 0);
    return event;
  }
  static aclrtStreamStatus status_of(const TestStream& stream) {
    aclrtStreamStatus status = ACL_STREAM_STATUS_RESERVED;
    EXPECT_EQ(aclrtStreamQuery(stream.get(), &status), 0);
    return status;
  }
  static aclrtEventRecordedStatus status_of(aclrtEvent event) {
    aclrtEventRecordedStatus status = ACL_EVENT_RECORDED_STATUS_NOT_READY;
    EXPECT_EQ(aclrtQueryEventStatus(event, &status), 0);
    return status;
  }
  static aclrtEventWaitStatus wait_status_of(aclrtEvent event) {
    aclrtEventWaitStatus status = ACL_EVENT_WAIT_STATUS_RESERVED;
    EXPECT_EQ(aclrtQueryEventWaitStatus(event, &status), 0);
    return status;
  }
  int append(const TestStream& stream, char value, std::size_t at) {
    return aclrtMemsetAsync(static_cast<char*>(memory_.get()) + at, 1, value, 1, stream.get());
  }

  int append_to(aclrtStream stream, int value) { return aclrtMemsetAsync(memory_.get(), 1, value, 1, stream); }

  Session session_;
  TestStream first_, second_;
  DeviceMemory memory_{64};
};

TEST_F(Streams, ReturnAtOnceAndWorkInOrder) {
  // The stream cannot go on before the event is recorded: whatever was queued behind it must not have happened.
  aclrtEvent gate = create_event();
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), gate), 0);
  for (int i = 0; i < 64; ++i) ASSERT_EQ(append(first_, static_cast<char>(i), 0), 0);
  EXPECT_EQ(status_of(first_), ACL_STREAM_STATUS_NOT_READY);
  EXPECT_EQ(memory_.contents()[0], std::byte{0});
  EXPECT_EQ(wait_status_of(gate), ACL_EVENT_WAIT_STATUS_NOT_READY);
  expect_refused(aclrtSynchronizeStreamWithTimeout(first_.get(), 10), 507046,
                 "not done within 10 milliseconds: 65 pieces of work are left");

  ASSERT_EQ(aclrtRecordEvent(gate, second_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeStream(first_.get()), 0);
  EXPECT_EQ(status_of(first_), ACL_STREAM_STATUS_COMPLETE);
  EXPECT_EQ(wait_status_of(gate), ACL_EVENT_WAIT_STATUS_COMPLETE);
  EXPECT_EQ(memory_.contents()[0], std::byte{63});
  EXPECT_EQ(aclrtDestroyEvent(gate), 0);
}

// A copy of aclrtMallocHost's memory is made in its turn. One of other memory of the host is made when the call
// returns, and that memory is the program's again.
TEST_F(Streams, CopiesOfPageableMemoryAreMadeWhenTheCallReturns) {
  void* pinned = nullptr;
  ASSERT_EQ(aclrtMallocHost(&pinned, 64), 0);
  std::memset(pinned, 1, 64);
  aclrtEvent gate = create_event();
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), gate), 0);
  ASSERT_EQ(aclrtMemcpyAsync(memory_.get(), 64, pinned, 64, ACL_MEMCPY_HOST_TO_DEVICE, first_.get()), 0);
  std::memset(pinned, 2, 64);
  ASSERT_EQ(aclrtRecordEvent(gate, second_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeStream(first_.get()), 0);
  EXPECT_EQ(memory_.contents()[63], std::byte{2});

  const auto sleep = [](void*) { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  for (const std::size_t count : {std::size_t{64}, std::size_t{1}}) {
    std::vector<char> host(64, 3);
    ASSERT_EQ(aclrtLaunchHostFunc(first_.get(), sleep, nullptr), 0);
    ASSERT_EQ(aclrtMemcpyAsync(memory_.get(), 64, host.data(), count, ACL_MEMCPY_HOST_TO_DEVICE, first_.get()), 0);
    host.assign(64, 4);
    ASSERT_EQ(aclrtLaunchHostFunc(first_.get(), sleep, nullptr), 0);
    ASSERT_EQ(aclrtMemcpyAsync(host.data(), 64, memory_.get(), count, ACL_MEMCPY_DEFAULT, first_.get()), 0);
    EXPECT_EQ(host[count - 1], 3);
    ASSERT_EQ(aclrtMemsetAsync(memory_.get(), 64, 0, 64, first_.get()), 0);
  }

  // An error of the stream stays for who synchronises.
  std::vector<char> host(64, 5);
  void* freed = nullptr;
  ASSERT_EQ(aclrtMalloc(&freed, 64, ACL_MEM_MALLOC_HUGE_FIRST), 0);
  ASSERT_EQ(aclrtLaunchHostFunc(first_.get(), sleep, nullptr), 0);
  ASSERT_EQ(aclrtMemcpyAsync(freed, 64, pinned, 64, ACL_MEMCPY_HOST_TO_DEVICE, first_.get()), 0);
  ASSERT_EQ(aclrtFree(freed), 0);
  ASSERT_EQ(aclrtMemcpyAsync(memory_.get(), 64, host.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE, first_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeStream(first_.get()), 500003);
  EXPECT_EQ(memory_.contents()[0], std::byte{5});
  EXPECT_EQ(aclrtFreeHost(pinned), 0);
  aclrtDestroyEvent(gate);
}

TEST_F(Streams, GoOnWithoutAnybodyWaiting) {
  ASSERT_EQ(append(first_, 7, 0), 0);
  const auto begin = std::chrono::steady_clock::now();
  while (status_of(first_) != ACL_STREAM_STATUS_COMPLETE && std::chrono::steady_clock::now() - begin < 60s) {
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(status_of(first_), ACL_STREAM_STATUS_COMPLETE);
  EXPECT_EQ(memory_.contents()[0], std::byte{7});
}

TEST_F(Streams, AWaitWithTimeEndsWhenTheWorkDoes) {
  ASSERT_EQ(append(first_, 7, 0), 0);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(first_.get(), 60000), 0);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(first_.get(), -1), 0);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(first_.get(), 0), 0);
}

TEST_F(Streams, WaitForEachOther) {
  // A token goes to and fro 100 times; each step overwrites what the one before wrote.
  std::vector<aclrtEvent> events;
  for (int i = 0; i < 100; ++i) {
    const TestStream& stream = i % 2 == 0 ? first_ : second_;
    if (i > 0) {
      ASSERT_EQ(aclrtStreamWaitEvent(stream.get(), events.back()), 0);
    }
    ASSERT_EQ(append(stream, static_cast<char>(i), 0), 0);
    events.push_back(create_event());
    ASSERT_EQ(aclrtRecordEvent(events.back(), stream.get()), 0);
  }
  EXPECT_EQ(aclrtSynchronizeEvent(events.back()), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{99});
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(status_of(events[i]), ACL_EVENT_RECORDED_STATUS_COMPLETE) << i;
  }
  for (std::size_t i = 1; i < events.size(); ++i) {
    float ms = -1;
    EXPECT_EQ(aclrtEventElapsedTime(&ms, events[i - 1], events[i]), 0);
    EXPECT_GE(ms, 0) << i;
  }
  for (aclrtEvent event : events) EXPECT_EQ(aclrtDestroyEvent(event), 0);
}

TEST_F(Streams, AWaitIsForTheRecordBeforeIt) {
  // Recorded in the first stream, waited for, then recorded again in a stream that is shut: the wait must not see that.
  aclrtEvent event = create_event(), gate = create_event();
  ASSERT_EQ(aclrtRecordEvent(event, first_.get()), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), event), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), gate), 0);
  ASSERT_EQ(aclrtRecordEvent(event, first_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 0);
  EXPECT_EQ(status_of(event), ACL_EVENT_RECORDED_STATUS_NOT_READY);
  ASSERT_EQ(aclrtRecordEvent(gate, second_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeEvent(event), 0);
  EXPECT_EQ(status_of(event), ACL_EVENT_RECORDED_STATUS_COMPLETE);
  aclrtDestroyEvent(event);
  aclrtDestroyEvent(gate);
}

TEST_F(Streams, AResetEventWaitsForItsNextRecord) {
  aclrtEvent event = create_event();
  ASSERT_EQ(aclrtRecordEvent(event, first_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeStream(first_.get()), 0);
  EXPECT_EQ(aclrtResetEvent(event, first_.get()), 0);
  EXPECT_EQ(status_of(event), ACL_EVENT_RECORDED_STATUS_NOT_READY);
  expect_refused(aclrtSynchronizeEvent(event), 107000, "event has not been recorded");
  ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), event), 0);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(second_.get(), 10), 507046);
  ASSERT_EQ(aclrtRecordEvent(event, first_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 0);
  aclrtDestroyEvent(event);
}

TEST_F(Streams, AnEventDestroyedBeforeItsRecordIsAnErrorOfWhoWaits) {
  aclrtEvent event = create_event();
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), event), 0);
  ASSERT_EQ(append(first_, 7, 0), 0);
  EXPECT_EQ(aclrtDestroyEvent(event), 0);
  expect_refused(aclrtSynchronizeStream(first_.get()), 500003, "an event that was destroyed before it was recorded");
  EXPECT_EQ(memory_.contents()[0], std::byte{7});
}

TEST_F(Streams, AnEventDestroyedAfterItsRecordStillCounts) {
  aclrtEvent gate = create_event(), event = create_event();
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), gate), 0);
  ASSERT_EQ(aclrtRecordEvent(event, first_.get()), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), event), 0);
  EXPECT_EQ(aclrtDestroyEvent(event), 0);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(second_.get(), 10), 507046);
  ASSERT_EQ(aclrtRecordEvent(gate, nullptr), 0);
  EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 0);
  aclrtDestroyEvent(gate);
}

TEST_F(Streams, TimesAreMilliseconds) {
  aclrtEvent start = create_event(), end = create_event(), without = create_event(ACL_EVENT_SYNC);
  float ms = -1;
  expect_refused(aclrtEventElapsedTime(&ms, start, end), 107006, "startEvent is not complete");
  ASSERT_EQ(aclrtRecordEvent(start, first_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeEvent(start), 0);
  std::this_thread::sleep_for(30ms);
  ASSERT_EQ(aclrtRecordEvent(end, first_.get()), 0);
  ASSERT_EQ(aclrtRecordEvent(without, first_.get()), 0);
  ASSERT_EQ(aclrtSynchronizeStream(first_.get()), 0);
  EXPECT_EQ(aclrtEventElapsedTime(&ms, start, end), 0);
  EXPECT_GE(ms, 30);
  EXPECT_LT(ms, 30000);
  expect_refused(aclrtEventElapsedTime(&ms, start, without), 107006, "endEvent takes no time");
  for (aclrtEvent event : {start, end, without}) aclrtDestroyEvent(event);
}

TEST_F(Streams, ErrorsSurfaceAtTheWaitOnce) {
  DeviceMemory gone(64);
  aclrtEvent gate = create_event();
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), gate), 0);
  ASSERT_EQ(aclrtMemsetAsync(gone.get(), 64, 1, 64, first_.get()), 0);
  gone = DeviceMemory();
  ASSERT_EQ(aclrtRecordEvent(gate, second_.get()), 0);
  expect_refused(aclrtSynchronizeStream(first_.get()), 500003,
                 "which was freed, but all 64 bytes must be memory of the device");
  EXPECT_EQ(aclrtSynchronizeStream(first_.get()), 0);
  aclrtDestroyEvent(gate);
}

TEST_F(Streams, DestroyingFinishesTheWorkByForceDropsIt) {
  aclrtStream stream = nullptr;
  ASSERT_EQ(aclrtCreateStreamWithConfig(&stream, 0, 0), 0);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(aclrtMemsetAsync(memory_.get(), 1, i, 1, stream), 0);
  EXPECT_EQ(aclrtDestroyStream(stream), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{49});

  aclrtEvent never = create_event(), event = create_event();
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(stream, never), 0);
  ASSERT_EQ(aclrtMemsetAsync(memory_.get(), 1, 99, 1, stream), 0);
  ASSERT_EQ(aclrtRecordEvent(event, stream), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), event), 0);
  EXPECT_EQ(aclrtDestroyStreamForce(stream), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{49});
  EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 500003);
  EXPECT_EQ(wait_status_of(never), ACL_EVENT_WAIT_STATUS_COMPLETE);
  aclrtDestroyEvent(event);
  aclrtDestroyEvent(never);
}

TEST_F(Streams, ARecordThatWasThrownAwayIsAnErrorForAllWhoWantIt) {
  for (const bool reset : {false, true}) {
    aclrtStream stream = nullptr;
    aclrtEvent never = create_event(), event = create_event(), before = create_event();
    ASSERT_EQ(aclrtRecordEvent(before, nullptr), 0);
    ASSERT_EQ(aclrtSynchronizeEvent(before), 0);
    ASSERT_EQ(aclrtCreateStream(&stream), 0);
    ASSERT_EQ(aclrtStreamWaitEvent(stream, never), 0);
    ASSERT_EQ(append_to(stream, 99), 0);
    ASSERT_EQ(aclrtRecordEvent(event, stream), 0);
    // One stream waits twice, another while the record is thrown away, a third comes later.
    ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), event), 0);
    ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), event), 0);
    int code_of_waiter = 0, code_of_stream = 0;
    std::string said_to_stream;
    std::thread waiter([&] { code_of_waiter = aclrtSynchronizeEvent(event); });
    std::thread stream_waiter([&] {
      code_of_stream = aclrtSynchronizeStream(stream);
      said_to_stream = recent_message();
    });
    std::this_thread::sleep_for(20ms);
    const char* const why = reset ? "its device was reset by force" : "its stream was destroyed by force";
    if (reset) {
      ASSERT_EQ(aclrtResetDeviceForce(0), 0);
      ASSERT_EQ(aclrtSetDevice(0), 0);
    } else {
      ASSERT_EQ(aclrtDestroyStreamForce(stream), 0);
    }
    waiter.join();
    stream_waiter.join();
    EXPECT_EQ(code_of_waiter, 500003);
    EXPECT_EQ(code_of_stream, 500003);
    EXPECT_NE(said_to_stream.find(std::string("work that was waited for was thrown away: ") + why), std::string::npos)
        << said_to_stream;
    const TestStream third;
    if (!reset) {
      EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 500003);
      EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 0);  // the first error, once
    }
    ASSERT_EQ(aclrtStreamWaitEvent(third.get(), event), 0);
    EXPECT_EQ(aclrtSynchronizeStream(third.get()), 500003);
    const std::string message = recent_message();
    EXPECT_NE(message.find(std::string("the stream waited for an event whose record was thrown away: ") + why),
              std::string::npos)
        << message;
    expect_refused(aclrtSynchronizeEvent(event), 500003, "event is one whose record was thrown away");
    aclrtEventRecordedStatus status = ACL_EVENT_RECORDED_STATUS_COMPLETE;
    EXPECT_EQ(aclrtQueryEventStatus(event, &status), 500003);
    EXPECT_EQ(status, ACL_EVENT_RECORDED_STATUS_NOT_READY);
    EXPECT_EQ(wait_status_of(event), ACL_EVENT_WAIT_STATUS_COMPLETE);
    float ms = 0;
    expect_refused(aclrtEventElapsedTime(&ms, before, event), 107006, "endEvent is one whose record was thrown away");
    // Recorded anew it is as good as any.
    ASSERT_EQ(aclrtRecordEvent(event, third.get()), 0);
    ASSERT_EQ(aclrtStreamWaitEvent(third.get(), event), 0);
    EXPECT_EQ(aclrtSynchronizeStream(third.get()), 0);
    EXPECT_EQ(status_of(event), ACL_EVENT_RECORDED_STATUS_COMPLETE);
    EXPECT_EQ(aclrtEventElapsedTime(&ms, before, event), 0);
    for (aclrtEvent each : {never, event, before}) EXPECT_EQ(aclrtDestroyEvent(each), 0);
  }
}

TEST_F(Streams, ARecordBeforeTheOneThrownAwayStillCounts) {
  // Waited for, then recorded anew in a stream that is destroyed: the wait is for the first.
  aclrtStream stream = nullptr;
  aclrtEvent never = create_event(), event = create_event();
  ASSERT_EQ(aclrtRecordEvent(event, first_.get()), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), event), 0);
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(stream, never), 0);
  ASSERT_EQ(aclrtRecordEvent(event, stream), 0);
  ASSERT_EQ(aclrtDestroyStreamForce(stream), 0);
  EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 0);
  // What is done when its stream is destroyed by force is done.
  aclrtEvent done = create_event();
  ASSERT_EQ(aclrtCreateStream(&stream), 0);
  ASSERT_EQ(aclrtRecordEvent(done, stream), 0);
  ASSERT_EQ(aclrtSynchronizeEvent(done), 0);
  ASSERT_EQ(aclrtDestroyStreamForce(stream), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), done), 0);
  EXPECT_EQ(aclrtSynchronizeStream(second_.get()), 0);
  for (aclrtEvent each : {never, event, done}) EXPECT_EQ(aclrtDestroyEvent(each), 0);
}

TEST_F(Streams, StopAtAFailureWhereTheyAreToldTo) {
  for (const bool stop : {false, true}) {
    ASSERT_EQ(aclrtSetStreamFailureMode(first_.get(), stop ? ACL_STOP_ON_FAILURE : ACL_CONTINUE_ON_FAILURE), 0);
    ASSERT_EQ(append(first_, 1, 0), 0);
    ASSERT_EQ(aclrtSynchronizeStream(first_.get()), 0);
    DeviceMemory gone(64);
    aclrtEvent gate = create_event(), behind = create_event();
    ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), gate), 0);
    ASSERT_EQ(aclrtMemsetAsync(gone.get(), 64, 1, 64, first_.get()), 0);
    ASSERT_EQ(append(first_, 2, 0), 0);
    ASSERT_EQ(aclrtRecordEvent(behind, first_.get()), 0);
    ASSERT_EQ(aclrtStreamWaitEvent(second_.get(), behind), 0);
    gone = DeviceMemory();
    ASSERT_EQ(aclrtRecordEvent(gate, nullptr), 0);
    expect_refused(aclrtSynchronizeStream(first_.get()), 500003, "which was freed");
    EXPECT_EQ(memory_.contents()[0], std::byte{static_cast<unsigned char>(stop ? 1 : 2)});
    EXPECT_EQ(aclrtSynchronizeStream(second_.get()), stop ? 500003 : 0);
    if (stop) {
      EXPECT_NE(recent_message().find("its stream stopped at a failure"), std::string::npos);
    }
    // The error is told; it goes on.
    ASSERT_EQ(append(first_, 3, 0), 0);
    EXPECT_EQ(aclrtSynchronizeStream(first_.get()), 0);
    EXPECT_EQ(memory_.contents()[0], std::byte{3});
    for (aclrtEvent each : {gate, behind}) EXPECT_EQ(aclrtDestroyEvent(each), 0);
  }
}

TEST_F(Streams, NullIsTheContextsOwn) {
  ASSERT_EQ(aclrtMemsetAsync(memory_.get(), 1, 5, 1, nullptr), 0);
  EXPECT_EQ(aclrtSynchronizeStream(nullptr), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{5});
}

TEST_F(Streams, TheDeviceWaitsForAllOfThem) {
  ASSERT_EQ(append(first_, 1, 0), 0);
  ASSERT_EQ(append(second_, 2, 1), 0);
  ASSERT_EQ(aclrtMemsetAsync(static_cast<char*>(memory_.get()) + 2, 1, 3, 1, nullptr), 0);
  EXPECT_EQ(aclrtSynchronizeDevice(), 0);
  const std::vector<std::byte> contents = memory_.contents();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(contents[static_cast<std::size_t>(i)], static_cast<std::byte>(i + 1));
}

TEST_F(Streams, ResettingTheDeviceByForceDropsWhatIsLeft) {
  aclrtEvent never = create_event();
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), never), 0);
  EXPECT_EQ(aclrtResetDeviceForce(0), 0);
  expect_refused(aclrtSynchronizeStream(first_.get()), 107003, "stream is none of aclrtCreateStream, or is destroyed");
  EXPECT_EQ(aclrtSetDevice(0), 0);
  aclrtDestroyEvent(never);
}

TEST_F(Streams, SeveralMayWaitForOne) {
  std::atomic<int> done = 0;
  aclrtEvent gate = create_event();
  ASSERT_EQ(aclrtStreamWaitEvent(first_.get(), gate), 0);
  ASSERT_EQ(append(first_, 8, 0), 0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      EXPECT_EQ(aclrtSynchronizeStream(first_.get()), 0);
      ++done;
    });
  }
  std::this_thread::sleep_for(5ms);
  EXPECT_EQ(done, 0);
  ASSERT_EQ(aclrtRecordEvent(gate, second_.get()), 0);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory_.contents()[0], std::byte{8});
  aclrtDestroyEvent(gate);
}

}  // namespace
}  // namespace alng::test
