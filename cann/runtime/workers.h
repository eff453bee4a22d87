// The threads that work streams off: few, however many streams there are, and none where there is nothing to do.
#ifndef ALNG_CANN_RUNTIME_WORKERS_H
#define ALNG_CANN_RUNTIME_WORKERS_H

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "runtime/fork.h"

namespace alng::cann {

class Stream;

/// A thread is made when a stream has work that may begin and all threads are busy, at most one for each processor, and
/// ends when it has found nothing to do for a second. A thread inside work that may block does not count, so such work
/// holds up no stream but its own. Where the system gives no thread, those who wait for work do it (`help`).
class Workers final : public Forked {
 public:
  Workers();

  /// `stream` has work that may begin; a thread will call its `run_next`.
  void want(std::shared_ptr<Stream> stream);

  /// Where no thread will come to a stream that has work, does one piece of it. False: there was nothing to do so.
  bool help();

  /// For a thread that waits: as long as it may sleep before it asks again whether it must help.
  static constexpr auto nap = std::chrono::milliseconds(10);

  /// While it lives, this thread may block.
  class Blocking {
   public:
    Blocking();
    ~Blocking();
    Blocking(const Blocking&) = delete;
    Blocking& operator=(const Blocking&) = delete;
  };

  void before_fork() override { mutex_.lock(); }
  void in_parent() override { mutex_.unlock(); }
  void in_child() override;

 private:
  using Lock = std::unique_lock<std::mutex>;
  bool add_thread();
  void work_off();
  void run_next(std::shared_ptr<Stream> stream);

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::shared_ptr<Stream>> wanting_;
  std::deque<std::shared_ptr<Stream>> inherited_;  // by a child of fork, which must not destroy them
  std::size_t idle_ = 0;
  std::size_t threads_ = 0;  // but for those that may block
};

Workers& workers();

}  // namespace alng::cann

#endif
