#include "runtime/stream.h"

#include <sched.h>

#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace alng::cann {
namespace {

// A wait for work that is in progress watches for about 20 us before it sleeps: being woken takes as long.
constexpr auto spin_time = std::chrono::microseconds(20);

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Stream::Stream(int device, const void* context) : device_(device), context_(context), worker_([this] { work_off(); }) {}

// Only reached without close() where a thread could not be made or the process is ending.
Stream::~Stream() {
  if (worker_.joinable()) static_cast<void>(close(true));
}

bool Stream::submit(std::unique_ptr<Work> work) {
  Lock lock(mutex_);
  if (closed_) {
    lock.unlock();
    work->drop();
    return false;
  }
  queue_.push_back(std::move(work));
  ++submitted_;
  const bool busy = busy_;
  lock.unlock();
  if (!busy) for_worker_.notify_one();  // who is busy looks at the queue again
  return true;
}

// The lock is held before and after, and not during run().
void Stream::run_one(Lock& lock) {
  std::unique_ptr<Work> work = std::move(queue_.front());
  queue_.pop_front();
  busy_ = true;
  lock.unlock();
  Answer answer;
  try {
    answer = work->run();
  } catch (const std::exception&) {
    answer = {ACL_ERROR_RT_FAILURE, Kind::inner, {}};
  }
  work.reset();
  lock.lock();
  if (!answer.ok() && first_error_.ok()) first_error_ = std::move(answer);
  busy_ = false;
  done_.fetch_add(1, std::memory_order_release);
  if (waiters_ > 0) for_waiters_.notify_all();
}

void Stream::work_off() {
  // Where all processors are busy, a woken thread takes the one of the thread that submitted, which then waits for two
  // changes of threads instead of doing the work itself when it synchronises: aclnn cost 7.0 us over the run alone at
  // 8x768, and 1.5 with batch threads, which push nobody aside. Not to be allowed to is no error.
  const sched_param parameters{};
  sched_setscheduler(0, SCHED_BATCH, &parameters);
  Lock lock(mutex_);
  while (true) {
    for_worker_.wait(lock, [this] { return ending_ || runnable(); });
    if (!runnable()) return;
    run_one(lock);
  }
}

void Stream::wait_for_progress(Lock& lock, std::optional<std::chrono::steady_clock::time_point> until) {
  const std::uint64_t seen = done_.load(std::memory_order_acquire);
  if (busy_ && !until) {
    lock.unlock();
    const auto stop = std::chrono::steady_clock::now() + spin_time;
    bool moved = false;
    do {
      for (int i = 0; i < 16 && !moved; ++i) {
        pause();
        moved = done_.load(std::memory_order_acquire) != seen;
      }
    } while (!moved && std::chrono::steady_clock::now() < stop);
    lock.lock();
    if (moved) return;
  }
  if (done_.load(std::memory_order_acquire) != seen || (runnable() && !until)) return;
  ++waiters_;
  if (until) {
    for_waiters_.wait_until(lock, *until);
  } else {
    for_waiters_.wait(lock);
  }
  --waiters_;
}

Answer Stream::synchronize(int timeout) {
  std::optional<std::chrono::steady_clock::time_point> until;
  if (timeout >= 0) until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout);
  Lock lock(mutex_);
  const std::uint64_t target = submitted_;
  while (done_.load(std::memory_order_relaxed) < target) {
    // Who is short of time leaves the work to the stream's thread: it may take longer.
    if (!until && runnable()) {
      run_one(lock);
      continue;
    }
    if (until && std::chrono::steady_clock::now() >= *until) {
      return {ACL_ERROR_RT_FAILURE, Kind::inner,
              "the stream was not done within " + std::to_string(timeout) + " milliseconds: " +
                  std::to_string(target - done_.load(std::memory_order_relaxed)) + " pieces of work are left"};
    }
    wait_for_progress(lock, until);
  }
  // What others have queued meanwhile was not announced to the stream's thread while this one was busy.
  if (runnable()) for_worker_.notify_one();
  return std::exchange(first_error_, {});
}

bool Stream::idle() const {
  const std::lock_guard lock(mutex_);
  return done_.load(std::memory_order_relaxed) == submitted_;
}

void Stream::drop_queue(Lock& lock) {
  std::deque<std::unique_ptr<Work>> dropped;
  dropped.swap(queue_);
  lock.unlock();
  for (const auto& work : dropped) work->drop();
  lock.lock();
  done_.fetch_add(dropped.size(), std::memory_order_release);
  for_waiters_.notify_all();
}

Answer Stream::close(bool drop) {
  {
    Lock lock(mutex_);
    closed_ = true;
    if (drop) drop_queue(lock);
  }
  Answer answer = synchronize(-1);
  {
    const Lock lock(mutex_);
    ending_ = true;
  }
  for_worker_.notify_all();
  worker_.join();
  return answer;
}

void Stream::poke() {
  {
    const Lock lock(mutex_);
    if (waiters_ > 0) for_waiters_.notify_all();
  }
  for_worker_.notify_one();
}

Registry<Stream>& streams() {
  static Registry<Stream>& all = *new Registry<Stream>(0x51);
  return all;
}

}  // namespace alng::cann
