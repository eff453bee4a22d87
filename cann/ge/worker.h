// Does things one after another.
#ifndef ALNG_CANN_GE_WORKER_H
#define ALNG_CANN_GE_WORKER_H

#include <functional>
#include <memory>

#include "runtime/stream.h"

namespace alng::cann::engine {

/// A stream of functions. What is submitted may submit, and may destroy the worker.
class Worker {
 public:
  Worker();
  /// Waits until all is done, but for what this very thread is in the middle of.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void submit(std::function<void()> work);
  /// Until all that was submitted before is done; at once inside of it.
  void drain();

 private:
  // A child of fork has the stream as another thread may have left it.
  bool inherited() const;

  // On the heap, so that a child of fork can leave it undestroyed without allocating.
  std::unique_ptr<std::shared_ptr<Stream>> stream_;
  const int forks_;
};

}  // namespace alng::cann::engine

#endif
