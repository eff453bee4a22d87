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

struct Counts {
  long allocations, locks, writes;
};

template <class Prepared>
Counts counts_of(Prepared& run) {
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

template <class Prepared, class Instance>
void expect_quiet(const Instance& instance) {
  for (const int threads : {1, 4}) {
    SCOPED_TRACE(instance.what().name + ", " + std::to_string(threads) + " threads");
    PlanOptions options;
    options.threads = threads;
    Prepared run(instance, options);
    const Counts counts = counts_of(run);
    EXPECT_EQ(counts.allocations, 0);
    EXPECT_EQ(counts.locks, 0);
    EXPECT_EQ(counts.writes, 0);
  }
}

TEST(NoAllocation, RunNeitherAllocatesNorLocksNorPrints) {
  for (const char* name :
       {"columns_129_fp32_gammaT_dsum_x2", "threads_options_bf16_gammaT_dsum_x2", "threads_wide_fp16_gammaT_dsum_x2",
        "threads_column_strided_bf16_gammaT_dsum_x2", "mixed_wide_fp32_gammaT_dsum_x2",
        "accumulate_strided_fp32_gammafp32_x2", "rows_0_fp32_gammaT_dsum_x2", "columns_0_fp32_gammaT_dsum_x2",
        "threads_only_dx_fp32_gammaT_x2", "in_place_dsum_fp16_gammaT_dsum_x2", "stream_misaligned_fp32_gammanone_x2"}) {
    const cases::Case& what = case_named(name);
    expect_quiet<PreparedRun>(cases::Instance(what));
    if (!what.accumulate) expect_quiet<PreparedForward>(cases::ForwardInstance(what, true));
  }
}

}  // namespace
}  // namespace alng::test
