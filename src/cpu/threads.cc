// Not oneTBB: where the system gives no thread it throws from threads of its own, which no caller can catch; it prints
// where more threads are asked for than there are processors; and its threads do not survive dlclose.
#include "cpu/threads.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

namespace alng::impl::cpu {
namespace {

// Tasks never use more than 16 KB of it, and memory is taken only as it is touched.
constexpr std::size_t stack_bytes = 256 << 10;
// More than any machine has processors. A worker takes 64 bytes.
constexpr int most_workers = 1023;
// How long a thread spins before it sleeps. Waking it takes 5 to 50 us, so calls in quick succession find the workers
// awake.
constexpr std::chrono::microseconds spin_time{30};

enum class State : std::uint32_t {
  absent,   // there is no thread
  resting,  // looks for a job
  asleep,   // must be woken
  offered,  // may take a job, if it does so before the run ends
  working,  // on it
  awaited   // the same, and the run sleeps until it is done
};

struct Job;

struct alignas(64) Worker {
  std::atomic<State> state{State::absent};
  // By one run, which alone may offer a job; or by who makes the thread.
  std::atomic<bool> taken{false};
  // Of the run that has taken it: the next worker, the job, the worker's task, and whether it has done that.
  Worker* next = nullptr;
  Job* job = nullptr;
  std::int32_t index = 0;
  bool done = false;
  // Its thread, and the processor on which that was when it began to rest.
  std::atomic<pid_t> thread{0};
  std::atomic<int> processor{-1};
};

// Never destroyed: runs and workers may outlive what static destructors leave.
constinit std::array<Worker, most_workers> workers;

void pause_processor() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

template <class Condition>
bool comes_soon(Condition condition) noexcept {
  const auto end = std::chrono::steady_clock::now() + spin_time;
  do {
    for (int i = 0; i < 16; ++i) {
      if (condition()) return true;
      pause_processor();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// Where a worker rests on the processor of the thread that wakes it, the system would leave it there, behind that
// thread and beside an idle processor, for 4 ms: until then a run takes as long as on one thread.
void keep_apart(const Worker& worker) noexcept {
  const int here = sched_getcpu();
  if (here < 0 || here >= CPU_SETSIZE || worker.processor.load(std::memory_order_relaxed) != here) return;
  cpu_set_t others;
  if (sched_getaffinity(0, sizeof others, &others) != 0) return;
  CPU_CLR(static_cast<std::size_t>(here), &others);
  if (CPU_COUNT(&others) > 0) sched_setaffinity(worker.thread.load(std::memory_order_relaxed), sizeof others, &others);
}

struct Job {
  void (*task)(void*, std::int32_t);
  void* task_data;
  // The first of the run's workers that nobody has offered the job to yet.
  std::atomic<Worker*> unasked{nullptr};

  // To wake a thread takes microseconds, so whoever joins wakes two others: 16 threads are awake after three steps.
  void take_part(std::int32_t index) noexcept {
    offer_to_next();
    offer_to_next();
    task(task_data, index);
  }

  void offer_to_next() noexcept {
    Worker* worker = unasked.load(std::memory_order_acquire);
    while (worker != nullptr &&
           !unasked.compare_exchange_weak(worker, worker->next, std::memory_order_acq_rel, std::memory_order_acquire)) {
    }
    if (worker == nullptr) return;
    worker->job = this;
    keep_apart(*worker);
    if (worker->state.exchange(State::offered, std::memory_order_acq_rel) == State::asleep) worker->state.notify_one();
  }
};

void wait_for_offer(Worker& worker) noexcept {
  if (comes_soon([&] { return worker.state.load(std::memory_order_relaxed) == State::offered; })) return;
  State resting = State::resting;
  if (worker.state.compare_exchange_strong(resting, State::asleep)) worker.state.wait(State::asleep);
}

void* work(void* self) noexcept {
  Worker& worker = *static_cast<Worker*>(self);
  worker.thread.store(gettid(), std::memory_order_relaxed);
  while (true) {
    worker.processor.store(sched_getcpu(), std::memory_order_relaxed);
    wait_for_offer(worker);
    State offered = State::offered;
    if (!worker.state.compare_exchange_strong(offered, State::working, std::memory_order_acquire)) continue;
    worker.job->take_part(worker.index);
    worker.done = true;
    if (worker.state.exchange(State::resting, std::memory_order_acq_rel) == State::awaited) worker.state.notify_one();
  }
}

// Up to `count` workers that no run has, as a list, for the tasks from 1 on. Where no other run is under way, a worker
// gets the same task in every run: what it did then is in its core's cache (units.h).
Worker* take_workers(std::int32_t count) noexcept {
  Worker* first = nullptr;
  Worker** end = &first;
  std::int32_t index = 1;
  for (Worker& worker : workers) {
    if (index > count || worker.state.load(std::memory_order_relaxed) == State::absent) break;
    if (worker.taken.exchange(true, std::memory_order_acquire)) continue;
    if (worker.state.load(std::memory_order_relaxed) == State::absent) {  // its thread could not be made
      worker.taken.store(false, std::memory_order_relaxed);
      break;
    }
    worker.index = index++;
    worker.done = false;
    *end = &worker;
    end = &worker.next;
  }
  *end = nullptr;
  return first;
}

// Withdraws the offer where the worker has not begun; else waits until it is done. Whether it has done its task.
bool give_back(Worker& worker) noexcept {
  State seen = State::offered;
  if (!worker.state.compare_exchange_strong(seen, State::resting, std::memory_order_acquire) &&
      seen == State::working &&
      !comes_soon([&] { return worker.state.load(std::memory_order_acquire) != State::working; })) {
    if (worker.state.compare_exchange_strong(seen, State::awaited, std::memory_order_acquire)) {
      worker.state.wait(State::awaited, std::memory_order_acquire);
    }
  }
  const bool done = worker.done;
  worker.taken.store(false, std::memory_order_release);
  return done;
}

void parallel(void*, std::int32_t count, void (*task)(void*, std::int32_t), void* task_data) noexcept {
  Job job{task, task_data};
  Worker* worker = take_workers(count - 1);
  job.unasked.store(worker, std::memory_order_release);
  job.take_part(0);
  // In the order of the list: whoever offered a worker the job is the caller or a worker before it, so has finished by
  // then, and no offer can follow its withdrawal. The caller does what nobody began.
  for (std::int32_t index = 1; index < count; ++index) {
    Worker* const next = worker != nullptr ? worker->next : nullptr;
    if (worker == nullptr || !give_back(*worker)) task(task_data, index);
    worker = next;
  }
}

// In the child of a fork, where the calling thread is the only one. What runs and plans there finds no worker.
void forget_workers() noexcept {
  for (Worker& worker : workers) {
    if (worker.state.load(std::memory_order_relaxed) == State::absent) continue;
    worker.state.store(State::absent, std::memory_order_relaxed);
    worker.taken.store(false, std::memory_order_relaxed);
  }
}

const bool forgets_at_fork = pthread_atfork(nullptr, nullptr, &forget_workers) == 0;

// Detached, and without signals, whose handlers are the host's; but for faults, which come from the memory it gave.
bool make_thread(Worker& worker) noexcept {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  std::size_t usual_stack_bytes;
  pthread_attr_getstacksize(&attributes, &usual_stack_bytes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&blocked, fault);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, &work, &worker);
  if (error == EINVAL) {  // too small for what the host's libraries keep for each thread
    pthread_attr_setstacksize(&attributes, usual_stack_bytes);
    error = pthread_create(&thread, &attributes, &work, &worker);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error == 0;
}

}  // namespace

const Executor& default_executor() noexcept {
  static constexpr Executor executor{&parallel, nullptr};
  return executor;
}

void prepare_default_executor(int tasks) noexcept {
  if (tasks < 2 || !forgets_at_fork) return;
  const int wanted = std::min({tasks - 1, default_threads() - 1, most_workers});
  for (int i = 0; i < wanted; ++i) {
    Worker& worker = workers[static_cast<std::size_t>(i)];
    if (worker.state.load(std::memory_order_relaxed) != State::absent) continue;
    // Another thread is making it.
    if (worker.taken.exchange(true, std::memory_order_acquire)) continue;
    bool made = worker.state.load(std::memory_order_relaxed) != State::absent;
    if (!made) {
      worker.state.store(State::resting, std::memory_order_relaxed);
      made = make_thread(worker);
      if (!made) worker.state.store(State::absent, std::memory_order_relaxed);
    }
    worker.taken.store(false, std::memory_order_release);
    if (!made) return;
  }
}

int default_threads() noexcept {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  // A machine with more processors than the set has room for.
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace alng::impl::cpu
