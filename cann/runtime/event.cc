#include "runtime/event.h"

#include <optional>
#include <utility>

namespace alng::cann {

class Event::RecordWork final : public Work {
 public:
  RecordWork(std::shared_ptr<Event> event, std::shared_ptr<Record> record)
      : event_(std::move(event)), record_(std::move(record)) {}
  Answer run() override {
    event_->finish(*record_, &Record::done);
    return {};
  }
  // A stream that waits for this one must not wait for ever.
  void drop() override { event_->finish(*record_, &Record::done); }

 private:
  std::shared_ptr<Event> event_;
  std::shared_ptr<Record> record_;
};

class Event::WaitWork final : public Work {
 public:
  WaitWork(std::shared_ptr<Event> event, std::shared_ptr<Record> record)
      : event_(std::move(event)), record_(std::move(record)) {}
  bool ready() const override {
    const std::lock_guard lock(event_->mutex_);
    return record_->done || record_->abandoned;
  }
  Answer run() override {
    const std::lock_guard lock(event_->mutex_);
    --event_->waits_;
    if (record_->done) return {};
    return {ACL_ERROR_RT_FAILURE, Kind::inner,
            "the stream waited for an event that was destroyed before it was recorded"};
  }
  void drop() override {
    const std::lock_guard lock(event_->mutex_);
    --event_->waits_;
  }

 private:
  std::shared_ptr<Event> event_;
  std::shared_ptr<Record> record_;
};

Answer Event::record(Stream& stream) {
  std::shared_ptr<Record> record;
  {
    const std::lock_guard lock(mutex_);
    record = next_ != nullptr ? std::move(next_) : std::make_shared<Record>();
    latest_ = record;
  }
  if (stream.submit(std::make_unique<RecordWork>(shared_from_this(), std::move(record)))) return {};
  return invalid("aclrtRecordEvent: stream is being destroyed");
}

Answer Event::wait_in(const std::shared_ptr<Stream>& stream) {
  std::shared_ptr<Record> record;
  {
    const std::lock_guard lock(mutex_);
    if (latest_ == nullptr && next_ == nullptr) next_ = std::make_shared<Record>();
    record = latest_ != nullptr ? latest_ : next_;
    if (!record->done) record->waiting.push_back(stream);
    ++waits_;
  }
  if (stream->submit(std::make_unique<WaitWork>(shared_from_this(), std::move(record)))) return {};
  return invalid("aclrtStreamWaitEvent: stream is being destroyed");
}

void Event::reset() {
  const std::lock_guard lock(mutex_);
  latest_ = nullptr;
}

void Event::finish(Record& record, bool Record::*how) {
  std::vector<std::weak_ptr<Stream>> waiting;
  {
    const std::lock_guard lock(mutex_);
    record.*how = true;
    record.time = Clock::now();
    waiting.swap(record.waiting);
  }
  changed_.notify_all();
  for (const auto& weak : waiting) {
    if (const auto stream = weak.lock()) stream->poke();
  }
}

Answer Event::synchronize() {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<Record> record = latest_;
  if (record == nullptr) return invalid("aclrtSynchronizeEvent: event has not been recorded");
  changed_.wait(lock, [&] { return record->done; });
  return {};
}

bool Event::complete() const {
  const std::lock_guard lock(mutex_);
  return latest_ != nullptr && latest_->done;
}

bool Event::all_waits_done() const {
  const std::lock_guard lock(mutex_);
  return waits_ == 0;
}

void Event::destroy() {
  std::shared_ptr<Record> never_recorded;
  {
    const std::lock_guard lock(mutex_);
    never_recorded = std::move(next_);
  }
  if (never_recorded != nullptr) finish(*never_recorded, &Record::abandoned);
}

Answer Event::elapsed(const Event& start, const Event& end, float* ms) {
  const std::pair<const char*, const Event*> both[] = {{"startEvent", &start}, {"endEvent", &end}};
  Clock::time_point times[2];
  for (int i = 0; i < 2; ++i) {
    const auto& [name, event] = both[i];
    const std::string is = std::string("aclrtEventElapsedTime: ") + name;
    if (!event->takes_time_) return invalid(is + " takes no time: it was created without ACL_EVENT_TIME_LINE");
    const std::lock_guard lock(event->mutex_);
    if (event->latest_ == nullptr || !event->latest_->done) {
      return invalid(is + " is not complete but must be recorded, and its stream must have come to it");
    }
    times[i] = event->latest_->time;
  }
  *ms = std::chrono::duration<float, std::milli>(times[1] - times[0]).count();
  return {};
}

Registry<Event>& events() {
  static Registry<Event>& all = *new Registry<Event>(0x45);
  return all;
}

}  // namespace alng::cann
