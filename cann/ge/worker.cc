#include "ge/worker.h"

#include <utility>

namespace alng::cann::engine {

Worker::~Worker() {
  drain();
  std::thread thread;
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    thread = std::move(thread_);
  }
  state_->changed.notify_all();
  if (!thread.joinable()) return;
  if (thread.get_id() == std::this_thread::get_id()) {
    thread.detach();
  } else {
    thread.join();
  }
}

void Worker::submit(std::function<void()> work) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(work));
    if (!thread_.joinable()) {
      thread_ = std::thread([state = state_] { work_off(state); });
      thread_id_ = thread_.get_id();
    }
  }
  state_->changed.notify_all();
}

void Worker::drain() {
  std::unique_lock lock(state_->mutex);
  if (thread_id_ == std::this_thread::get_id()) return;
  state_->changed.wait(lock, [this] { return state_->queue.empty() && !state_->busy; });
}

void Worker::work_off(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (true) {
    state->changed.wait(lock, [&] { return state->ending || !state->queue.empty(); });
    if (state->queue.empty()) return;
    const std::function<void()> work = std::move(state->queue.front());
    state->queue.pop_front();
    state->busy = true;
    lock.unlock();
    work();
    lock.lock();
    state->busy = false;
    state->changed.notify_all();
  }
}

}  // namespace alng::cann::engine
