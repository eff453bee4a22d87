// run allocates nothing, locks nothing and prints nothing. An executable of its own, because it puts itself in the
// place of the C library's functions.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/prepared_run.h"

namespace {

std::atomic<bool> watching{false};
std::atomic<long> allocations{0}, locks{0}, writes{0};

void note(std::atomic<long>& counter) {
  if (watching.load(std::memory_order_relaxed)) ++counter;
}

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  note(allocations);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  note(allocations);
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  note(allocations);
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  note(allocations);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note(allocations);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  note(allocations);
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}
int pthread_mutex_lock(pthread_mutex_t* mutex) {
  note(locks);
  static auto* const real = next<int(pthread_mutex_t*)>("pthread_mutex_lock");
  return real(mutex);
}
ssize_t write(int file, const void* bytes, std::size_t size) {
  note(writes);
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  return real(file, bytes, size);
}

}  // extern "C"

namespace alng::test {
namespace {

using cases::Instance;

/// Three threads that wait for work by looking, so that handing them tasks neither allocates nor locks.
class SpinningThreads {
 public:
  SpinningThreads() {
    for (int i = 0; i < 3; ++i) {
      threads_.emplace_back([this] {
        for (std::uint64_t done = 0;;) {
          const std::uint64_t round = round_.load(std::memory_order_acquire);
          if (round == stop) return;
          if (round == done) {
            std::this_thread::yield();
            continue;
          }
          done = round;
          take_tasks();
          finished_.fetch_add(1, std::memory_order_release);
        }
      });
    }
    executor_ = {&parallel, this};
  }
  ~SpinningThreads() {
    round_.store(stop, std::memory_order_release);
    for (std::thread& thread : threads_) thread.join();
  }
  const Executor& executor() const { return executor_; }

 private:
  static constexpr std::uint64_t stop = ~std::uint64_t{0};

  static void parallel(void* context, std::int32_t count, void (*task)(void*, std::int32_t), void* task_data) {
    auto& self = *static_cast<SpinningThreads*>(context);
    self.count_ = count;
    self.task_ = task;
    self.task_data_ = task_data;
    self.next_.store(0, std::memory_order_relaxed);
    self.finished_.store(0, std::memory_order_relaxed);
    self.round_.fetch_add(1, std::memory_order_release);
    self.take_tasks();
    while (self.finished_.load(std::memory_order_acquire) < 3) std::this_thread::yield();
  }

  void take_tasks() {
    for (std::int32_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_;) task_(task_data_, i);
  }

  std::vector<std::thread> threads_;
  std::atomic<std::uint64_t> round_{0};
  std::atomic<int> finished_{0};
  std::atomic<std::int32_t> next_{0};
  std::int32_t count_ = 0;
  void (*task_)(void*, std::int32_t) = nullptr;
  void* task_data_ = nullptr;
  Executor executor_;
};

struct Counts {
  long allocations, locks, writes;
};

Counts counts_of_run(const Instance& instance, const PlanOptions& options, const Executor* executor) {
  PreparedRun run(instance, options);
  run.arguments.executor = executor;
  allocations = locks = writes = 0;
  watching = true;
  const Status status = run.plan.run(run.arguments);
  watching = false;
  EXPECT_TRUE(status.ok()) << status.message();
  return {allocations, locks, writes};
}

TEST(NoAllocation, TheCountersCount) {
  watching = true;
  void* volatile memory = malloc(100);
  auto* volatile object = new std::string(100, 'x');
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  const ssize_t written = write(STDOUT_FILENO, "", 0);
  watching = false;
  free(memory);
  delete object;
  EXPECT_EQ(written, 0);
  EXPECT_GE(allocations, 3);
  EXPECT_EQ(locks, 1);
  EXPECT_EQ(writes, 1);
}

TEST(NoAllocation, RunNeitherAllocatesNorLocksNorPrints) {
  SpinningThreads threads;
  for (const char* name :
       {"columns_129_fp32_gammaT_dsum_x2", "threads_options_bf16_gammaT_dsum_x2", "threads_wide_fp16_gammaT_dsum_x2",
        "threads_column_strided_bf16_gammaT_dsum_x2", "mixed_wide_fp32_gammaT_dsum_x2",
        "accumulate_strided_fp32_gammafp32_x2", "rows_0_fp32_gammaT_dsum_x2", "columns_0_fp32_gammaT_dsum_x2",
        "threads_only_dx_fp32_gammaT_x2", "in_place_dsum_fp16_gammaT_dsum_x2", "stream_misaligned_fp32_gammanone_x2"}) {
    const Instance instance(case_named(name));
    for (const bool own_threads : {false, true}) {
      SCOPED_TRACE(std::string(name) + (own_threads ? ", the caller's threads" : ", one thread"));
      PlanOptions options;
      options.threads = own_threads ? 4 : 1;
      const Counts counts = counts_of_run(instance, options, own_threads ? &threads.executor() : nullptr);
      EXPECT_EQ(counts.allocations, 0);
      EXPECT_EQ(counts.locks, 0);
      EXPECT_EQ(counts.writes, 0);
    }
  }
}

}  // namespace
}  // namespace alng::test
