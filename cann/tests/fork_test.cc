// A child of fork: what its parent made is refused at once, with a sentence that names fork; what it makes itself
// works.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "cann/tests/acl_problem.h"
#include "ge/ge_api.h"

namespace alng::test {
namespace {

// What a child writes while it runs `call`; "hung" where it does not end within 10 seconds.
std::string in_child(const std::function<std::string()>& call) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    const std::string text = call();
    const bool written = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> some{};
  for (ssize_t got = 0; (got = ::read(ends[0], some.data(), some.size())) > 0;) {
    text.append(some.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGALRM ? "hung" : "killed by a signal";
  return text;
}

// A thread that is in the middle of the runtime when the process forks.
class BusyThread {
 public:
  BusyThread() : thread_([this] { work(); }) {}
  ~BusyThread() {
    ended_ = true;
    thread_.join();
  }
  BusyThread(const BusyThread&) = delete;
  BusyThread& operator=(const BusyThread&) = delete;

 private:
  void work() const {
    while (!ended_) {
      EXPECT_EQ(aclrtSetDevice(0), 0);
      const TestStream stream;
      const DeviceMemory memory(64);
      EXPECT_EQ(aclrtMemsetAsync(memory.get(), 64, 1, 64, stream.get()), 0);
      EXPECT_EQ(aclrtSynchronizeStream(stream.get()), 0);
      EXPECT_EQ(aclrtResetDevice(0), 0);
    }
  }
  std::atomic<bool> ended_ = false;
  std::thread thread_;
};

class Fork : public testing::Test {
 protected:
  Fork() {
    EXPECT_EQ(aclrtCreateEvent(&event_), 0);
    EXPECT_EQ(aclrtCreateContext(&context_, 0), 0);
    EXPECT_EQ(aclrtSetDevice(0), 0);
    EXPECT_EQ(aclrtRecordEvent(event_, stream_.get()), 0);
    EXPECT_EQ(problem_.phase_1(), 0);
    problem_.workspace();
    EXPECT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  }

  ~Fork() override {
    EXPECT_EQ(aclrtDestroyEvent(event_), 0);
    if (problem_.executor != nullptr) aclDestroyAclOpExecutor(problem_.executor);
  }

  // The call's code, and its sentence where that names fork.
  std::string answer_in_child(const std::function<int()>& call) const {
    return in_child([&] {
      recent_message();
      const int code = call();
      const std::string message = recent_message();
      return std::to_string(code) +
             (message.find("before fork, in the parent process") != std::string::npos ? " names fork" : " " + message);
    });
  }

  Session session_;
  TestStream stream_;
  DeviceMemory memory_{64};
  AclProblem problem_;
  aclrtEvent event_ = nullptr;
  aclrtContext context_ = nullptr;
};

TEST_F(Fork, WhatTheParentMadeIsRefusedAtOnce) {
  std::array<char, 64> host{};
  aclrtStreamStatus status{};
  aclrtEventRecordedStatus recorded{};
  float ms = 0;
  std::int32_t device = 0;
  aclrtContext current = nullptr;
  void* made = nullptr;
  struct Touch {
    const char* what;
    int code;
    std::function<int()> call;
  };
  const Touch touches[] = {
      {"reset the device", 107002, [] { return aclrtResetDevice(0); }},
      {"reset it by force", 107002, [] { return aclrtResetDeviceForce(0); }},
      {"finalize", 100001, [] { return aclFinalize(); }},
      {"current device", 107002, [&] { return aclrtGetDevice(&device); }},
      {"current context", 107002, [&] { return aclrtGetCurrentContext(&current); }},
      {"set the context", 107017, [&] { return aclrtSetCurrentContext(context_); }},
      {"destroy the context", 107017, [&] { return aclrtDestroyContext(context_); }},
      {"synchronize the device", 107002, [] { return aclrtSynchronizeDevice(); }},
      {"synchronize the stream", 107003, [&] { return aclrtSynchronizeStream(stream_.get()); }},
      {"synchronize its own stream", 107002, [&] { return aclrtSynchronizeStream(nullptr); }},
      {"synchronize with a timeout", 107003, [&] { return aclrtSynchronizeStreamWithTimeout(stream_.get(), 5); }},
      {"query the stream", 107003, [&] { return aclrtStreamQuery(stream_.get(), &status); }},
      {"destroy the stream", 107003, [&] { return aclrtDestroyStream(stream_.get()); }},
      {"destroy it by force", 107003, [&] { return aclrtDestroyStreamForce(stream_.get()); }},
      {"create a stream", 107002, [&] { return aclrtCreateStream(&made); }},
      {"synchronize the event", 107017, [&] { return aclrtSynchronizeEvent(event_); }},
      {"query the event", 107017, [&] { return aclrtQueryEventStatus(event_, &recorded); }},
      {"time of the event", 107017, [&] { return aclrtEventElapsedTime(&ms, event_, event_); }},
      {"record the event", 107017, [&] { return aclrtRecordEvent(event_, stream_.get()); }},
      {"wait for the event", 107017, [&] { return aclrtStreamWaitEvent(stream_.get(), event_); }},
      {"destroy the event", 107017, [&] { return aclrtDestroyEvent(event_); }},
      {"allocate", 107002, [&] { return aclrtMalloc(&made, 64, ACL_MEM_MALLOC_HUGE_FIRST); }},
      {"free", 107000, [&] { return aclrtFree(memory_.get()); }},
      {"copy into a queue", 107003,
       [&] { return aclrtMemcpyAsync(memory_.get(), 64, host.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE, stream_.get()); }},
      {"run the operator", 161002, [&] { return problem_.phase_2(stream_.get()); }},
  };
  const BusyThread busy;
  for (const Touch& touch : touches) {
    EXPECT_EQ(answer_in_child(touch.call), std::to_string(touch.code) + " names fork") << touch.what;
  }
}

TEST_F(Fork, InheritedMemoryIsRefusedOnAnOwnDeviceToo) {
  std::array<char, 64> host{};
  for (const aclrtMemcpyKind kind : {ACL_MEMCPY_DEVICE_TO_HOST, ACL_MEMCPY_HOST_TO_HOST, ACL_MEMCPY_DEFAULT}) {
    EXPECT_EQ(answer_in_child([&] {
                EXPECT_EQ(aclrtSetDevice(0), 0);
                return aclrtMemcpy(host.data(), 64, memory_.get(), 64, kind);
              }),
              "107000 names fork")
        << kind;
  }
}

TEST_F(Fork, WhatTheChildMakesItselfWorks) {
  const BusyThread busy;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(in_child([]() -> std::string {
                std::size_t free = 0, total = 0;
                if (aclInit(nullptr) != 0 || aclrtSetDevice(0) != 0) return recent_message();
                if (aclrtGetMemInfo(ACL_HBM_MEM, &free, &total) != 0 || free != total) return "memory in use";
                {
                  AclProblem problem;
                  const TestStream stream;
                  if (problem.run(stream.get()) != 0) return recent_message();
                  if (problem.values(dx) != expected_results()[0]) return "another dx";
                  // Without anybody who waits: the child has threads of its own.
                  const DeviceMemory memory(64);
                  aclrtEvent event = nullptr;
                  if (aclrtCreateEvent(&event) != 0 || aclrtRecordEvent(event, stream.get()) != 0) return "no event";
                  if (aclrtSynchronizeEvent(event) != 0 || aclrtDestroyEvent(event) != 0) return recent_message();
                }
                if (aclrtResetDevice(0) != 0 || aclFinalize() != 0) return recent_message();
                return "all right";
              }),
              "all right");
  }
}

TEST_F(Fork, AChildOfAChildIsOneToo) {
  EXPECT_EQ(in_child([&]() -> std::string {
              if (aclrtSetDevice(0) != 0) return recent_message();
              const TestStream own;
              return answer_in_child([&] { return aclrtSynchronizeStream(own.get()); }) + ", " +
                     answer_in_child([&] { return aclrtSynchronizeStream(stream_.get()); });
            }),
            "107003 names fork, 107003 names fork");
}

TEST_F(Fork, TheParentGoesOn) {
  EXPECT_EQ(in_child([] { return std::to_string(aclrtResetDeviceForce(0)); }), "107002");
  EXPECT_EQ(problem_.phase_2(stream_.get()), 0);
  EXPECT_EQ(aclrtSynchronizeStream(stream_.get()), 0);
  EXPECT_EQ(problem_.values(dx), expected_results()[0]);
}

TEST_F(Fork, AChildThatExitsWithoutAWordEnds) {
  // Work is queued that will never be ready, and a thread waits for it: the child has neither.
  aclrtEvent never = nullptr;
  ASSERT_EQ(aclrtCreateEvent(&never), 0);
  ASSERT_EQ(aclrtStreamWaitEvent(stream_.get(), never), 0);
  std::thread waits([this] { aclrtSynchronizeStream(stream_.get()); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    aclrtDestroyStream(stream_.get());
    aclrtResetDevice(0);
    aclFinalize();
    std::exit(7);  // NOLINT(concurrency-mt-unsafe): what is tested
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
  EXPECT_EQ(aclrtDestroyEvent(never), 0);
  waits.join();
}

TEST(ForkOfGraphs, SessionsOfTheParentAreRefusedAndEnd) {
  ASSERT_EQ(ge::GEInitialize(std::map<ge::AscendString, ge::AscendString>()), ge::SUCCESS);
  auto session = std::make_unique<ge::Session>(std::map<ge::AscendString, ge::AscendString>());
  const ge::Graph graph("g");
  const std::string said = in_child([&] {
    const bool refused = session->AddGraph(1, graph) != ge::SUCCESS;
    std::string text = (refused ? "refused: " : "taken: ") + std::string(ge::GEGetErrorMsgV2().GetString());
    session.reset();
    text += ge::GEFinalize() == ge::SUCCESS ? ", ended" : ", not ended";
    return text;
  });
  EXPECT_NE(said.find("refused: "), std::string::npos) << said;
  EXPECT_NE(said.find("before fork, in the parent process"), std::string::npos) << said;
  EXPECT_NE(said.find(", ended"), std::string::npos) << said;
  session.reset();
  EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS);
}

}  // namespace
}  // namespace alng::test
