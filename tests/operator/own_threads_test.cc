// The library's own threads: what a run computes where the system gives fewer of them, or none; after a fork; on which
// processor they are woken; and what the host notices of them. An executable of its own, because it puts itself in the
// place of the C library's functions: there are eight processors here, and threads can be made to fail. Each test is a
// process of its own, which begins without threads.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/prepared_run.h"
#include "operator/real_pthread_create.h"

namespace {

std::atomic<int> processors{8};
/// The threads to be made from now on that fail: those numbered `first_failing` to `last_failing`, from 1.
std::atomic<int> threads_asked_for{0}, first_failing{0}, last_failing{0};
/// The processor on which every thread is; -1: each on another.
std::atomic<int> processor_of_all{-1};
std::atomic<int> moves{0}, wrong_moves{0};

}  // namespace

extern "C" {

int sched_getaffinity(pid_t, std::size_t size, cpu_set_t* set) noexcept {
  CPU_ZERO_S(size, set);
  for (int i = 0; i < processors; ++i) CPU_SET_S(i, size, set);
  return 0;
}

int sched_getcpu() noexcept {
  return processor_of_all >= 0 ? processor_of_all.load() : static_cast<int>(gettid() % 1000);
}

int sched_setaffinity(pid_t thread, std::size_t size, const cpu_set_t* set) noexcept {
  ++moves;
  const bool right = thread != getpid() && CPU_COUNT_S(size, set) == processors - 1 &&
                     !CPU_ISSET_S(static_cast<std::size_t>(processor_of_all), size, set);
  wrong_moves += right ? 0 : 1;
  return 0;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  const int number = ++threads_asked_for;
  if (number >= first_failing && number <= last_failing) return EAGAIN;
  return alng::test::real_pthread_create()(thread, attributes, start, argument);
}

}  // extern "C"

namespace alng::test {
namespace {

using cases::Instance;

constexpr const char* case_of_eight_tasks = "threads_options_fp32_gammaT_dsum_x2";
constexpr int every_one = 1 << 30;

#if defined(__SANITIZE_THREAD__)
constexpr bool thread_sanitizer = true;
#else
constexpr bool thread_sanitizer = false;
#endif

/// What `test` says in a process of its own, which must say it within two minutes and leave by itself.
std::string in_child(const std::function<std::string()>& test) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    alarm(120);
    const std::string said = test();
    const ssize_t written = write(ends[1], said.data(), said.size());
    _exit(written == static_cast<ssize_t>(said.size()) ? 0 : 3);
  }
  close(ends[1]);
  std::string said;
  char bytes[1000];
  for (ssize_t count; (count = read(ends[0], bytes, sizeof bytes)) > 0;)
    said.append(bytes, static_cast<std::size_t>(count));
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) said += "ended by signal " + std::to_string(WTERMSIG(status));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) said += "exit code " + std::to_string(WEXITSTATUS(status));
  return said;
}

PlanOptions with_threads(int threads) {
  PlanOptions options;
  options.threads = threads;
  return options;
}

/// How what a run computes differs from the reference.
std::string differs(PreparedRun& run, const Outcome& expected) {
  const Status status = run.plan.run(run.arguments);
  return status.ok() ? difference(run.instance, expected, run.outcome()) : status.message();
}

std::size_t thread_count() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

class OwnThreads : public testing::Test {
 protected:
  std::string plan_and_run(int threads = 8) const {
    PreparedRun run(instance_, with_threads(threads));
    return differs(run, expected_);
  }

  const Instance instance_{case_named(case_of_eight_tasks)};
  const Outcome expected_ = run_reference(instance_);
};

TEST_F(OwnThreads, AreMadeWithThePlanAndNoMoreThanOthersUse) {
  EXPECT_EQ(in_child([&]() -> std::string {
              threads_asked_for = 0;
              const std::size_t before = thread_count();
              PreparedRun run(instance_, with_threads(8));
              if (run.plan.threads() != 8) return "a plan of " + std::to_string(run.plan.threads());
              if (threads_asked_for != 7) return std::to_string(threads_asked_for) + " threads made for 8 tasks";
              for (int i = 0; i < 20; ++i) {
                const std::string wrong = differs(run, expected_) + plan_and_run(8) + plan_and_run(3);
                if (!wrong.empty()) return wrong;
              }
              if (threads_asked_for != 7) return "threads made in a run, or for a plan of fewer tasks";
              if (!thread_sanitizer && thread_count() != before + 7) return "threads did not stay";
              return "";
            }),
            "");
}

TEST_F(OwnThreads, WhicheverCannotBeMadeTheBitsAreTheSame) {
  for (int first = 1; first <= 8; ++first) {
    for (const int last : {first, every_one}) {
      EXPECT_EQ(in_child([&]() -> std::string {
                  threads_asked_for = 0;
                  first_failing = first;
                  last_failing = last;
                  std::string wrong = plan_and_run() + plan_and_run();
                  // Where there was none for a while, a later plan makes those that lack.
                  first_failing = every_one;
                  const std::size_t before = thread_count();
                  wrong += plan_and_run();
                  if (first < 8 && last == every_one && thread_count() == before) wrong += "no thread made later";
                  return wrong;
                }),
                "")
          << "threads " << first << " to " << last << " fail";
    }
  }
}

TEST_F(OwnThreads, ServeSeveralRunsAtOnce) {
  EXPECT_EQ(in_child([&]() -> std::string {
              constexpr int rounds = thread_sanitizer ? 8 : 50;
              std::vector<std::string> wrong(6);
              std::vector<std::thread> callers;
              for (std::size_t i = 0; i < wrong.size(); ++i) {
                callers.emplace_back([this, i, &wrong] {
                  PreparedRun run(instance_, with_threads(static_cast<int>(i) + 3));
                  for (int round = 0; round < rounds && wrong[i].empty(); ++round) wrong[i] = differs(run, expected_);
                });
              }
              for (std::thread& caller : callers) caller.join();
              std::string all;
              for (const std::string& one : wrong) all += one;
              return all;
            }),
            "");
}

/// By thread, how often it has waited for anything.
std::map<std::string, long> waits() {
  std::map<std::string, long> found;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string word; status >> word;) {
      if (word == "voluntary_ctxt_switches:") status >> found[thread.path().filename()];
    }
  }
  found.erase(std::to_string(getpid()));
  return found;
}

std::size_t woken_by(const std::function<void()>& run) {
  // Those that have worked fall asleep again.
  const auto settle = [] { std::this_thread::sleep_for(std::chrono::milliseconds(200)); };
  settle();
  const std::map<std::string, long> before = waits();
  run();
  settle();
  std::size_t woken = 0;
  for (const auto& [thread, count] : waits()) woken += before.at(thread) != count ? 1 : 0;
  return woken;
}

// To wake threads takes longer than a small problem does: 16 threads woken for two tasks once took 1.6 times as long.
TEST_F(OwnThreads, AreNotWokenByRunsOfFewerTasks) {
  if (thread_sanitizer) GTEST_SKIP() << "skipped: ThreadSanitizer's own thread is never quiet";
  EXPECT_EQ(in_child([&]() -> std::string {
              PreparedRun eight(instance_, with_threads(8)), two(instance_, with_threads(2)),
                  one(instance_, with_threads(1));
              std::string wrong;
              const auto woken = [&](PreparedRun& run) {
                return woken_by([&] {
                  for (int i = 0; i < 5; ++i) wrong += differs(run, expected_);
                });
              };
              if (const std::size_t count = woken(one); count != 0)
                wrong += std::to_string(count) + " woken by one task\n";
              if (const std::size_t count = woken(two); count != 1)
                wrong += std::to_string(count) + " woken by two tasks\n";
              if (const std::size_t count = woken(eight); count < 2)
                wrong += std::to_string(count) + " woken by eight tasks\n";
              return wrong;
            }),
            "");
}

// The system wakes a thread where it slept, which may be on the processor of whoever wakes it. There it waits for
// milliseconds, beside a processor that is idle: in a process that had run PyTorch, 512x1024 on two threads took twice
// as long as one call after the other.
TEST_F(OwnThreads, AreNotWokenOnTheProcessorOfWhoWakesThem) {
  EXPECT_EQ(in_child([&]() -> std::string {
              PreparedRun run(instance_, with_threads(8));
              std::string wrong = differs(run, expected_);
              if (moves != 0) wrong += std::to_string(moves) + " moved from a processor of their own\n";
              processor_of_all = 3;
              // Those that rest still say the processor on which they began to; on a busy machine none joins some runs.
              for (int i = 0; moves == 0 && i < 2000; ++i) {
                wrong += differs(run, expected_);
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
              }
              if (moves == 0) wrong += "none moved from the caller's processor\n";
              if (wrong_moves != 0) wrong += std::to_string(wrong_moves) + " moved to wrong ones\n";
              processors = 1;
              processor_of_all = 0;
              moves = 0;
              for (int i = 0; i < 3; ++i) wrong += differs(run, expected_);
              if (moves != 0) wrong += "moved where there is one processor\n";
              return wrong;
            }),
            "");
}

// A thread pool that grows with what is asked for would starve where a cgroup allows few threads.
TEST_F(OwnThreads, AreFewerThanProcessorsAndNothingIsPrinted) {
  EXPECT_EQ(in_child([&]() -> std::string {
              const int file = fileno(std::tmpfile());
              processors = 2;
              threads_asked_for = 0;
              dup2(file, STDOUT_FILENO);
              dup2(file, STDERR_FILENO);
              std::string wrong = plan_and_run(64);
              fflush(nullptr);
              if (lseek(file, 0, SEEK_END) != 0) wrong += "something was printed\n";
              if (threads_asked_for != 1) wrong += std::to_string(threads_asked_for) + " threads on two processors\n";
              processors = 1;
              if (plan_and_run(64) + plan_and_run(0) != "" || threads_asked_for != 1) wrong += "wrong on one processor";
              return wrong;
            }),
            "");
}

TEST_F(OwnThreads, AChildOfAForkNeedsNoneOfItsParents) {
  EXPECT_EQ(in_child([&]() -> std::string {
              PreparedRun run(instance_, with_threads(8));
              std::string wrong = differs(run, expected_);
              // Straight after a run, with the parent's threads awake, and when they sleep.
              for (const int pause : {0, 100}) {
                std::this_thread::sleep_for(std::chrono::milliseconds(pause));
                wrong += in_child([&] { return differs(run, expected_) + differs(run, expected_); });
                if (!wrong.empty()) return wrong;
                if (thread_sanitizer) continue;  // lets no thread be made in the child of several
                wrong += in_child([&]() -> std::string {
                  if (thread_count() != 1) return "threads before there is a plan";
                  std::string own = plan_and_run();
                  if (thread_count() != 8) own += std::to_string(thread_count()) + " threads of its own\n";
                  return own + differs(run, expected_) + in_child([&] { return plan_and_run(); });
                });
              }
              return wrong + differs(run, expected_);
            }),
            "");
}

// While other threads of the parent run and plan: nothing they hold may hold up the child.
TEST_F(OwnThreads, AForkWhileOthersRun) {
  if (thread_sanitizer) GTEST_SKIP() << "skipped: ThreadSanitizer lets no thread be made in the child of several";
  EXPECT_EQ(in_child([&]() -> std::string {
              std::atomic<bool> stop{false};
              std::vector<std::thread> callers;
              for (int i = 0; i < 3; ++i) {
                callers.emplace_back([&] {
                  while (!stop) static_cast<void>(plan_and_run());
                });
              }
              std::string wrong;
              for (int i = 0; i < 10 && wrong.empty(); ++i) wrong = in_child([&] { return plan_and_run(); });
              stop = true;
              for (std::thread& caller : callers) caller.join();
              return wrong;
            }),
            "");
}

// The host's handlers run on the host's threads.
TEST_F(OwnThreads, GetNoSignals) {
  EXPECT_EQ(in_child([&]() -> std::string {
              static std::atomic<bool> handled{false};
              std::signal(SIGUSR1, [](int) { handled = true; });
              std::string wrong = plan_and_run();
              sigset_t usr1, pending;
              sigemptyset(&usr1);
              sigaddset(&usr1, SIGUSR1);
              if (thread_sanitizer) return wrong;  // its own thread takes signals
              pthread_sigmask(SIG_BLOCK, &usr1, nullptr);
              kill(getpid(), SIGUSR1);
              std::this_thread::sleep_for(std::chrono::milliseconds(50));
              sigpending(&pending);
              if (handled || sigismember(&pending, SIGUSR1) != 1) wrong += "a thread of the library took a signal";
              return wrong;
            }),
            "");
}

void* nothing(void*) { return nullptr; }

TEST_F(OwnThreads, ALimitOnProcessesLeavesTheCallingThread) {
  const std::string said = in_child([&]() -> std::string {
    // Root has no limit; and another user may have processes already.
    if (geteuid() == 0 && (setgid(54321) != 0 || setuid(54321) != 0)) return "skipped: no other user to be had";
    const rlimit none{1, 1};
    setrlimit(RLIMIT_NPROC, &none);
    pthread_t thread;
    if (pthread_create(&thread, nullptr, &nothing, nullptr) == 0)
      return "skipped: the system gives threads all the same";
    return plan_and_run() + plan_and_run();
  });
  if (said.starts_with("skipped: ")) GTEST_SKIP() << said;
  EXPECT_EQ(said, "");
}

TEST_F(OwnThreads, ALimitOnMemoryIsARefusalOrTheSameBits) {
#if defined(ALNG_SANITIZED)
  GTEST_SKIP() << "skipped: the sanitizer needs more address space than any limit";
#endif
  const GradProblem problem = GradProblem::create(instance_.description()).value();
  int planned = 0;
  // From what the process has already on: nothing to be had, stacks for some threads, for all.
  for (std::size_t more = 0; more <= 4 << 20; more += 64 << 10) {
    const std::string said = in_child([&]() -> std::string {
      PreparedRun run(instance_, with_threads(1));
      run.workspace.resize(2 << 20);
      run.arguments.workspace = run.workspace.data();
      run.arguments.workspace_size = run.workspace.size();
      std::size_t pages = 0;
      std::ifstream("/proc/self/statm") >> pages;
      rlimit usual;
      getrlimit(RLIMIT_AS, &usual);
      const rlimit limit{pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + more, usual.rlim_max};
      setrlimit(RLIMIT_AS, &limit);
      const Result<GradPlan> plan = GradPlan::create(problem, with_threads(8));
      if (!plan.ok()) return plan.status().code() == Code::out_of_memory ? "refused" : plan.status().message();
      const Status status = plan.value().run(run.arguments);
      setrlimit(RLIMIT_AS, &usual);
      return status.ok() ? "planned" + difference(instance_, expected_, run.outcome()) : status.message();
    });
    EXPECT_TRUE(said == "refused" || said == "planned") << more << " bytes more: " << said;
    planned += said == "planned" ? 1 : 0;
  }
  EXPECT_GT(planned, 0);
}

}  // namespace
}  // namespace alng::test
