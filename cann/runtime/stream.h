// A stream: an in-order queue with a thread of its own, which whoever waits for it helps out.
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
#include <thread>

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
  virtual Answer run() = 0;
  /// Instead of `run`, where the stream is destroyed by force.
  virtual void drop() {}
};

/// Work begins in the order in which it was submitted, each when the one before is done. Any thread may submit.
///
/// A thread that synchronises runs what has not begun itself: to wake the stream's own thread and be woken by it takes
/// 10 to 50 us, several times what a small problem takes (4 us for 8x768).
class Stream {
 public:
  Stream(int device, const void* context);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int device() const { return device_; }
  const void* context() const { return context_; }

  /// False where the stream is being destroyed; the work is then dropped.
  bool submit(std::unique_ptr<Work> work);

  /// Until all work submitted so far is done, at most `timeout` milliseconds (-1: as long as it takes). The first error
  /// since the last call, which is then forgotten.
  Answer synchronize(int timeout);

  bool idle() const;

  /// Finishes (or drops) the queue and ends the thread; an error of the work is the answer. To be called once, by the
  /// one who took the stream out of the registry.
  Answer close(bool drop_queue);

  /// The head of the queue may have become ready.
  void poke();

 private:
  using Lock = std::unique_lock<std::mutex>;
  bool runnable() const { return !busy_ && !queue_.empty() && queue_.front()->ready(); }
  void run_one(Lock& lock);
  void work_off();
  void wait_for_progress(Lock& lock, std::optional<std::chrono::steady_clock::time_point> until);
  void drop_queue(Lock& lock);

  const int device_;
  const void* const context_;
  mutable std::mutex mutex_;
  std::condition_variable for_worker_;
  std::condition_variable for_waiters_;
  std::deque<std::unique_ptr<Work>> queue_;
  bool busy_ = false;  // somebody is inside run()
  bool closed_ = false;
  bool ending_ = false;
  int waiters_ = 0;
  std::uint64_t submitted_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
  Answer first_error_;
  std::thread worker_;
};

Registry<Stream>& streams();

}  // namespace alng::cann

#endif
