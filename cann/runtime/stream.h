// A stream: an in-order queue, worked off by whichever thread has time, and by whoever waits for it.
#ifndef ALNG_CANN_RUNTIME_STREAM_H
#define ALNG_CANN_RUNTIME_STREAM_H

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "acl/acl_rt.h"
#include "runtime/answer.h"
#include "runtime/registry.h"

namespace alng::cann {

/// One thing to do in a stream.
class Work {
 public:
  virtual ~Work() = default;
  /// Whether it may begin. Called under the stream's lock; what makes it true must call `Stream::poke`.
  virtual bool ready() const { return true; }
  /// Whether `run` calls what a program gave, which may wait for anything.
  virtual bool may_block() const { return false; }
  virtual Answer run() = 0;
  /// Instead of `run`, where the work is thrown away. `why`: "its stream ...", text that lives as long as the process.
  virtual void drop(const char* /*why*/) {}
};

/// Work begins in the order in which it was submitted, each when the one before is done. Any thread may submit.
///
/// A thread that synchronises runs what has not begun itself: to wake another thread and be woken by it takes 10 to
/// 50 us, several times what a small problem takes (4 us for 8x768).
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(int device, const void* context) : device_(device), context_(context) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int device() const { return device_; }
  const void* context() const { return context_; }

  /// False where the stream is being destroyed; the work is then neither run nor dropped.
  bool submit(std::unique_ptr<Work> work);

  /// Until all work submitted so far is done, at most `timeout` milliseconds (-1: as long as it takes). The first error
  /// since the last call, which is then forgotten.
  Answer synchronize(int timeout);

  /// Until all work submitted so far is done. Its errors are left for `synchronize`.
  void wait();

  bool idle() const;

  /// After an error, whether what is queued behind it is thrown away, until the error is told.
  void stop_on_failure(bool stop);

  /// No more work is taken. Finishes the queue, or drops it and says why. An error of the work is the answer. To be
  /// called once, by the one who took the stream out of the registry.
  Answer close(const char* drop_because);

  /// The head of the queue may have become ready.
  void poke();

  /// Runs the head of the queue if it may begin; whether the next may begin, too.
  bool run_next();

  /// Whether this thread is inside work of the stream, which would wait for itself.
  bool runs_here() const;
  static Answer waits_for_itself();

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Time = std::optional<std::chrono::steady_clock::time_point>;
  bool stopped() const { return stop_on_failure_ && !first_error_.ok(); }
  bool runnable() const { return !busy_ && !queue_.empty() && (stopped() || queue_.front()->ready()); }
  void run_one(Lock& lock);
  void announce(Lock& lock);
  bool finish(Lock& lock, std::uint64_t target, Time until);
  void wait_for_progress(Lock& lock, std::uint64_t target, Time until);
  void drop_queue(Lock& lock, const char* why);

  const int device_;
  const void* const context_;
  mutable std::mutex mutex_;
  std::condition_variable for_waiters_;
  std::deque<std::unique_ptr<Work>> queue_;
  bool busy_ = false;       // somebody is inside run()
  bool announced_ = false;  // a thread will call run_next
  bool closed_ = false;
  bool stop_on_failure_ = false;
  const char* dropped_because_ = nullptr;
  int waiters_ = 0;
  std::uint64_t submitted_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  Answer first_error_;
};

Registry<Stream>& streams();

}  // namespace alng::cann

#endif
