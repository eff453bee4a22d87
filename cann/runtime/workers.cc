#include "runtime/workers.h"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <new>
#include <thread>
#include <utility>

#include "runtime/stream.h"

namespace alng::cann {
namespace {

constexpr auto idle_time = std::chrono::seconds(1);
thread_local bool is_worker = false;

}  // namespace

Workers::Workers() : most_(std::max(2U, std::thread::hardware_concurrency())) { join(); }

// The lock is the caller's.
bool Workers::add_thread() {
  ++threads_;
  try {
    std::thread([this] { work_off(); }).detach();
    return true;
  } catch (const std::exception&) {
    --threads_;
    return false;
  }
}

void Workers::want(std::shared_ptr<Stream> stream) {
  const Lock lock(mutex_);
  wanting_.push_back(std::move(stream));
  if (idle_ > 0) wanted_.notify_one();
  if (wanting_.size() > idle_ && threads_ < most_) add_thread();
}

bool Workers::help() {
  std::shared_ptr<Stream> stream;
  {
    const Lock lock(mutex_);
    if (wanting_.empty() || threads_ > 0 || add_thread()) return false;
    stream = std::move(wanting_.front());
    wanting_.pop_front();
  }
  run_next(std::move(stream));
  const Lock lock(mutex_);
  if (idle_ > 0) wanted_.notify_one();  // of what was put back
  return true;
}

void Workers::run_next(std::shared_ptr<Stream> stream) {
  if (!stream->run_next()) return;
  const Lock lock(mutex_);
  wanting_.push_back(std::move(stream));
}

void Workers::work_off() {
  is_worker = true;
  // Where all processors are busy, a woken thread takes the one of the thread that submitted, which then waits for two
  // changes of threads instead of doing the work itself when it synchronises: aclnn cost 7.0 us over the run alone at
  // 8x768, and 1.5 with batch threads, which push nobody aside. Not to be allowed to is no error.
  const sched_param parameters{};
  sched_setscheduler(0, SCHED_BATCH, &parameters);
  Lock lock(mutex_);
  while (threads_ <= most_) {
    ++idle_;
    const bool found = wanted_.wait_for(lock, idle_time, [this] { return !wanting_.empty(); });
    --idle_;
    if (!found) break;
    std::shared_ptr<Stream> stream = std::move(wanting_.front());
    wanting_.pop_front();
    lock.unlock();
    run_next(std::move(stream));
    lock.lock();
  }
  --threads_;
}

Workers::Blocking::Blocking() {
  if (!is_worker) return;
  Workers& all = workers();
  const Lock lock(all.mutex_);
  --all.threads_;
  if (all.wanting_.size() > all.idle_ && all.threads_ < all.most_) all.add_thread();
}

Workers::Blocking::~Blocking() {
  if (!is_worker) return;
  Workers& all = workers();
  const Lock lock(all.mutex_);
  ++all.threads_;
}

// The condition variable counts waiting threads that the child does not have.
void Workers::in_child() {
  new (&wanted_) std::condition_variable;
  std::move(wanting_.begin(), wanting_.end(), std::back_inserter(inherited_));
  wanting_.clear();
  idle_ = threads_ = 0;
  is_worker = false;
  mutex_.unlock();
}

Workers& workers() {
  static Workers& all = *new Workers;
  return all;
}

}  // namespace alng::cann
