#include "runtime/stream.h"

#include <algorithm>
#include <utility>

#include "runtime/workers.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace alng::cann {
namespace {

using Clock = std::chrono::steady_clock;

// A wait for work that is in progress watches for about 20 us before it sleeps: being woken takes as long.
constexpr auto spin_time = std::chrono::microseconds(20);

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// The streams whose work this thread is inside of: work may wait for another stream, and then runs that one's.
struct Inside {
  explicit Inside(const Stream* stream_here) : stream(stream_here), outer(innermost) { innermost = this; }
  ~Inside() { innermost = outer; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  const Stream* const stream;
  const Inside* const outer;
  static thread_local const Inside* innermost;
};
thread_local const Inside* Inside::innermost = nullptr;

Answer run(Work& work, bool drop) {
  try {
    if (drop) {
      work.drop("its stream stopped at a failure");
      return {};
    }
    if (!work.may_block()) return work.run();
    const Workers::Blocking blocking;
    return work.run();
  } catch (const std::exception&) {
    return {ACL_ERROR_RT_FAILURE, Kind::inner, {}};
  }
}

}  // namespace

bool Stream::runs_here() const {
  for (const Inside* at = Inside::innermost; at != nullptr; at = at->outer) {
    if (at->stream == this) return true;
  }
  return false;
}

// Sees to it that a thread comes where the head may begin; gives the lock up.
void Stream::announce(Lock& lock) {
  const bool wants = !announced_ && runnable();
  if (wants) announced_ = true;
  lock.unlock();
  if (wants) workers().want(shared_from_this());
}

bool Stream::submit(std::unique_ptr<Work> work) {
  Lock lock(mutex_);
  if (closed_) return false;
  queue_.push_back(std::move(work));
  ++submitted_;
  announce(lock);  // who is busy looks at the queue again
  return true;
}

// The lock is held before and after, and not during run().
void Stream::run_one(Lock& lock) {
  std::unique_ptr<Work> work = std::move(queue_.front());
  queue_.pop_front();
  busy_ = true;
  const bool drop = stopped();
  lock.unlock();
  Answer answer;
  {
    const Inside inside(this);
    answer = run(*work, drop);
    work.reset();
  }
  lock.lock();
  if (!answer.ok() && first_error_.ok()) first_error_ = std::move(answer);
  busy_ = false;
  done_.fetch_add(1, std::memory_order_release);
  if (waiters_ > 0) for_waiters_.notify_all();
}

bool Stream::run_next() {
  Lock lock(mutex_);
  if (runnable()) run_one(lock);
  announced_ = runnable();
  return announced_;
}

void Stream::wait_for_progress(Lock& lock, std::uint64_t target, Time until) {
  const std::uint64_t seen = done_.load(std::memory_order_acquire);
  if (busy_ && !until) {
    lock.unlock();
    const auto stop = Clock::now() + spin_time;
    bool moved = false;
    do {
      for (int i = 0; i < 16 && !moved; ++i) {
        pause();
        moved = done_.load(std::memory_order_acquire) != seen;
      }
    } while (!moved && Clock::now() < stop);
    lock.lock();
    if (moved) return;
  }
  lock.unlock();
  const bool helped = workers().help();
  lock.lock();
  if (helped || done_.load(std::memory_order_acquire) != seen || seen >= target || (runnable() && !until)) return;
  const auto nap = Clock::now() + Workers::nap;
  ++waiters_;
  for_waiters_.wait_until(lock, until ? std::min(*until, nap) : nap);
  --waiters_;
}

// False where the time is over.
bool Stream::finish(Lock& lock, std::uint64_t target, Time until) {
  while (done_.load(std::memory_order_relaxed) < target) {
    // Who is short of time leaves the work to another thread: it may take longer.
    if (!until && runnable()) {
      run_one(lock);
      continue;
    }
    if (until && Clock::now() >= *until) return false;
    wait_for_progress(lock, target, until);
  }
  return true;
}

Answer Stream::waits_for_itself() {
  return {ACL_ERROR_RT_STREAM_CONTEXT, Kind::value,
          "a host function waits for the stream that it runs in, which would take for ever"};
}

void Stream::wait() {
  Lock lock(mutex_);
  finish(lock, submitted_, {});
  announce(lock);
}

Answer Stream::synchronize(int timeout) {
  if (runs_here()) return waits_for_itself();
  Time until;
  if (timeout >= 0) until = Clock::now() + std::chrono::milliseconds(timeout);
  Lock lock(mutex_);
  const std::uint64_t target = submitted_;
  if (!finish(lock, target, until)) {
    return {ACL_ERROR_RT_STREAM_SYNC_TIMEOUT, Kind::inner,
            "the stream was not done within " + std::to_string(timeout) + " milliseconds: " +
                std::to_string(target - done_.load(std::memory_order_relaxed)) + " pieces of work are left"};
  }
  Answer answer = std::exchange(first_error_, {});
  if (answer.ok() && dropped_because_ != nullptr) {
    answer = {ACL_ERROR_RT_FAILURE, Kind::inner,
              std::string("work that was waited for was thrown away: ") + dropped_because_};
  }
  // What others have queued meanwhile was not announced while this thread was busy.
  announce(lock);
  return answer;
}

bool Stream::idle() const {
  const auto done = [this] {
    const std::lock_guard lock(mutex_);
    return done_.load(std::memory_order_relaxed) == submitted_;
  };
  while (!done()) {
    if (!workers().help()) return false;
  }
  return true;
}

void Stream::stop_on_failure(bool stop) {
  const std::lock_guard lock(mutex_);
  stop_on_failure_ = stop;
}

void Stream::drop_queue(Lock& lock, const char* why) {
  std::deque<std::unique_ptr<Work>> dropped;
  dropped.swap(queue_);
  if (!dropped.empty()) dropped_because_ = why;
  lock.unlock();
  for (const auto& work : dropped) work->drop(why);
  lock.lock();
  done_.fetch_add(dropped.size(), std::memory_order_release);
  for_waiters_.notify_all();
}

Answer Stream::close(const char* drop_because) {
  Lock lock(mutex_);
  closed_ = true;
  if (drop_because != nullptr) drop_queue(lock, drop_because);
  // Work that destroys its own stream is the last of it that anybody could wait for.
  if (!runs_here()) finish(lock, submitted_, {});
  Answer answer = std::exchange(first_error_, {});
  announce(lock);
  return answer;
}

void Stream::poke() {
  Lock lock(mutex_);
  if (waiters_ > 0) for_waiters_.notify_all();
  announce(lock);
}

Registry<Stream>& streams() {
  static Registry<Stream>& all = *new Registry<Stream>(0x51);
  return all;
}

}  // namespace alng::cann
