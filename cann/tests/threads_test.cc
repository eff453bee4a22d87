// How many threads streams take, and what happens where the system gives none.
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "cann/tests/acl_problem.h"
#include "operator/real_pthread_create.h"

namespace {
std::atomic<bool> refuse_threads = false;
}

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*begin)(void*),
                              void* argument) {
  return refuse_threads ? EAGAIN : alng::test::real_pthread_create()(thread, attributes, begin, argument);
}

namespace alng::test {
namespace {

using namespace std::chrono_literals;

std::size_t threads_now() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

template <class Condition>
bool comes_true(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

bool complete(aclrtStream stream) {
  aclrtStreamStatus status = ACL_STREAM_STATUS_NOT_READY;
  EXPECT_EQ(aclrtStreamQuery(stream, &status), 0);
  return status == ACL_STREAM_STATUS_COMPLETE;
}

// A host function that waits until it is told to go on.
struct Gate {
  std::atomic<bool> entered = false, open = false;
  std::atomic<std::thread::id> entered_by;
  static void pass(void* gate) {
    auto& self = *static_cast<Gate*>(gate);
    self.entered_by = std::this_thread::get_id();
    self.entered = true;
    while (!self.open) std::this_thread::sleep_for(50us);
  }
};

class Threads : public testing::Test {
 protected:
  void TearDown() override { refuse_threads = false; }

  int fill(aclrtStream stream, int value, std::size_t at = 0) {
    return aclrtMemsetAsync(static_cast<char*>(memory_.get()) + at, 1, value, 1, stream);
  }

  // Until the threads of earlier work are gone, and new ones are refused.
  void without_threads() {
    std::this_thread::sleep_for(1500ms);
    refuse_threads = true;
  }

  Session session_;
  DeviceMemory memory_{4096};
};

TEST_F(Threads, IdleStreamsHaveNone) {
  const std::size_t before = threads_now();
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < 2000; ++i) streams.push_back(std::make_unique<TestStream>());
  EXPECT_LE(threads_now(), before);
}

TEST_F(Threads, StreamsThatWorkShareAFewAndGiveThemBack) {
  std::this_thread::sleep_for(1500ms);
  const std::size_t before = threads_now();
  const std::size_t most = std::max(2U, std::thread::hardware_concurrency());
  std::vector<std::unique_ptr<TestStream>> streams;
  for (int i = 0; i < 2000; ++i) streams.push_back(std::make_unique<TestStream>());
  for (std::size_t i = 0; i < streams.size(); ++i) {
    ASSERT_EQ(fill(streams[i]->get(), static_cast<int>(i % 100), i), 0);
    EXPECT_LE(threads_now(), before + most);
  }
  for (const auto& stream : streams) EXPECT_TRUE(comes_true([&] { return complete(stream->get()); }));
  const std::vector<std::byte> contents = memory_.contents();
  for (std::size_t i = 0; i < streams.size(); ++i) EXPECT_EQ(contents[i], static_cast<std::byte>(i % 100));
  EXPECT_TRUE(comes_true([&] { return threads_now() <= before; }));
}

TEST_F(Threads, StreamsThatWaitForAnEventHaveNone) {
  std::this_thread::sleep_for(1500ms);
  const std::size_t before = threads_now();
  const TestStream last;
  aclrtEvent gate = nullptr;
  ASSERT_EQ(aclrtCreateEvent(&gate), 0);
  std::vector<std::unique_ptr<TestStream>> streams;
  for (std::size_t i = 0; i < 500; ++i) {
    streams.push_back(std::make_unique<TestStream>());
    ASSERT_EQ(aclrtStreamWaitEvent(streams.back()->get(), gate), 0);
    ASSERT_EQ(fill(streams.back()->get(), 7, i), 0);
  }
  EXPECT_LE(threads_now(), before);
  ASSERT_EQ(aclrtRecordEvent(gate, last.get()), 0);
  for (const auto& stream : streams) EXPECT_TRUE(comes_true([&] { return complete(stream->get()); }));
  EXPECT_EQ(memory_.contents()[499], std::byte{7});
  EXPECT_EQ(aclrtDestroyEvent(gate), 0);
}

TEST_F(Threads, AHostFunctionThatBlocksHoldsUpItsOwnStreamAlone) {
  // More of them than there are threads for other work, each waiting for what the last stream does.
  std::vector<std::unique_ptr<TestStream>> blocked;
  Gate gate;
  for (std::size_t i = 0; i < 2 * std::max(2U, std::thread::hardware_concurrency()); ++i) {
    blocked.push_back(std::make_unique<TestStream>());
    ASSERT_EQ(aclrtLaunchHostFunc(blocked.back()->get(), Gate::pass, &gate), 0);
    ASSERT_EQ(fill(blocked.back()->get(), 9, i), 0);
  }
  const TestStream free;
  ASSERT_EQ(fill(free.get(), 1, 4095), 0);
  EXPECT_TRUE(comes_true([&] { return complete(free.get()); }));
  EXPECT_EQ(memory_.contents()[4095], std::byte{1});
  EXPECT_FALSE(complete(blocked[0]->get()));
  EXPECT_EQ(memory_.contents()[0], std::byte{0});
  ASSERT_EQ(aclrtLaunchHostFunc(
                free.get(), [](void* at) { static_cast<Gate*>(at)->open = true; }, &gate),
            0);
  for (const auto& stream : blocked) EXPECT_EQ(aclrtSynchronizeStream(stream->get()), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{9});
}

TEST_F(Threads, AHostFunctionIsCalledInItsTurnWithItsArgument) {
  const TestStream stream;
  std::vector<int> seen;
  struct Step {
    std::vector<int>* seen;
    int number;
  };
  std::vector<Step> steps;
  for (int i = 0; i < 100; ++i) steps.push_back({&seen, i});
  for (Step& step : steps) {
    ASSERT_EQ(aclrtLaunchHostFunc(
                  stream.get(),
                  [](void* at) { static_cast<Step*>(at)->seen->push_back(static_cast<Step*>(at)->number); }, &step),
              0);
  }
  ASSERT_EQ(aclrtSynchronizeStream(stream.get()), 0);
  ASSERT_EQ(seen.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST_F(Threads, AHostFunctionMayNotWaitForItsOwnStream) {
  const TestStream stream;
  const DeviceMemory memory(1);
  struct Codes {
    aclrtStream stream;
    void* memory;
    int of_stream = 0, of_device = 0, of_destroy = 0, of_copy = 0;
    std::string sentence{}, sentence_of_destroy{};
  } codes{stream.get(), memory.get()};
  ASSERT_EQ(aclrtLaunchHostFunc(
                stream.get(),
                [](void* at) {
                  auto& all = *static_cast<Codes*>(at);
                  aclrtSetDevice(0);
                  all.of_stream = aclrtSynchronizeStream(all.stream);
                  all.sentence = recent_message();
                  all.of_device = aclrtSynchronizeDevice();
                  all.of_destroy = aclrtDestroyStream(all.stream);
                  all.sentence_of_destroy = recent_message();
                  const char pageable = 1;
                  all.of_copy = aclrtMemcpyAsync(all.memory, 1, &pageable, 1, ACL_MEMCPY_HOST_TO_DEVICE, all.stream);
                  aclrtResetDevice(0);
                },
                &codes),
            0);
  ASSERT_EQ(aclrtSynchronizeStream(stream.get()), 0);
  EXPECT_EQ(codes.of_stream, 107003);
  EXPECT_NE(codes.sentence.find("a host function waits for the stream that it runs in"), std::string::npos);
  EXPECT_EQ(codes.of_device, 107003);
  EXPECT_EQ(codes.of_destroy, 107003);
  EXPECT_EQ(codes.of_copy, 107003);
  EXPECT_NE(codes.sentence_of_destroy.find("a host function destroys the stream that it runs in"), std::string::npos);
}

TEST_F(Threads, WorkThatComesWhileAnotherThreadSynchronisesIsDone) {
  const TestStream stream;
  int by_the_waiter = 0;
  for (int i = 0; i < 2000 && by_the_waiter < 5; ++i) {
    Gate gate;
    std::thread waiter([&] {
      EXPECT_EQ(aclrtLaunchHostFunc(stream.get(), Gate::pass, &gate), 0);
      EXPECT_EQ(aclrtSynchronizeStream(stream.get()), 0);
    });
    const std::thread::id waiter_id = waiter.get_id();
    ASSERT_TRUE(comes_true([&] { return gate.entered.load(); }));
    ASSERT_EQ(fill(stream.get(), i % 100 + 1), 0);
    gate.open = true;
    waiter.join();
    // Nobody waits for it.
    ASSERT_TRUE(comes_true([&] { return complete(stream.get()); })) << i;
    EXPECT_EQ(memory_.contents()[0], static_cast<std::byte>(i % 100 + 1));
    if (gate.entered_by.load() == waiter_id) ++by_the_waiter;
  }
  EXPECT_EQ(by_the_waiter, 5);
}

TEST_F(Threads, WhereThereAreNoneWhoWaitsOrAsksDoesTheWork) {
  const TestStream stream, other;
  aclrtEvent event = nullptr;
  ASSERT_EQ(aclrtCreateEvent(&event), 0);
  without_threads();

  ASSERT_EQ(fill(stream.get(), 1), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{0});
  EXPECT_EQ(aclrtSynchronizeStream(stream.get()), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{1});

  ASSERT_EQ(fill(stream.get(), 2), 0);
  EXPECT_TRUE(comes_true([&] { return complete(stream.get()); }));
  EXPECT_EQ(memory_.contents()[0], std::byte{2});

  ASSERT_EQ(fill(stream.get(), 3), 0);
  EXPECT_EQ(aclrtSynchronizeStreamWithTimeout(stream.get(), 20000), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{3});

  ASSERT_EQ(fill(stream.get(), 4), 0);
  ASSERT_EQ(aclrtRecordEvent(event, stream.get()), 0);
  EXPECT_EQ(aclrtSynchronizeEvent(event), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{4});

  // The work of a stream that is not waited for itself.
  ASSERT_EQ(fill(other.get(), 5), 0);
  ASSERT_EQ(aclrtRecordEvent(event, other.get()), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(stream.get(), event), 0);
  EXPECT_EQ(aclrtSynchronizeStream(stream.get()), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{5});

  ASSERT_EQ(fill(stream.get(), 6), 0);
  ASSERT_EQ(aclrtRecordEvent(event, stream.get()), 0);
  EXPECT_TRUE(comes_true([&] {
    aclrtEventRecordedStatus status = ACL_EVENT_RECORDED_STATUS_NOT_READY;
    EXPECT_EQ(aclrtQueryEventStatus(event, &status), 0);
    return status == ACL_EVENT_RECORDED_STATUS_COMPLETE;
  }));
  EXPECT_EQ(memory_.contents()[0], std::byte{6});

  AclProblem problem;
  ASSERT_EQ(problem.run(stream.get()), 0) << recent_message();
  EXPECT_EQ(problem.values(dx), expected_results()[0]);

  aclrtStream last = nullptr;
  ASSERT_EQ(aclrtCreateStream(&last), 0);
  ASSERT_EQ(fill(last, 7), 0);
  EXPECT_EQ(aclrtDestroyStream(last), 0);
  EXPECT_EQ(memory_.contents()[0], std::byte{7});
  EXPECT_EQ(aclrtDestroyEvent(event), 0);

  // As soon as there are threads again, nobody needs to wait.
  ASSERT_EQ(fill(stream.get(), 8), 0);
  refuse_threads = false;
  EXPECT_TRUE(comes_true([&] { return complete(stream.get()); }));
}

}  // namespace
}  // namespace alng::test
