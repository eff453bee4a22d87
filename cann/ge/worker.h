// A thread that does things one after another.
#ifndef ALNG_CANN_GE_WORKER_H
#define ALNG_CANN_GE_WORKER_H

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace alng::cann::engine {

/// Its thread begins with the first thing to do. What is submitted may submit, and may destroy the worker.
class Worker {
 public:
  Worker() = default;
  /// Waits until all is done, but for what this very thread is in the middle of.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void submit(std::function<void()> work);
  /// Until all that was submitted before is done; at once on the worker's own thread.
  void drain();

 private:
  // Lives on in a thread whose worker is destroyed by what it does.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::function<void()>> queue;
    bool busy = false;
    bool ending = false;
  };
  static void work_off(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::thread thread_;
  std::thread::id thread_id_;
};

}  // namespace alng::cann::engine

#endif
