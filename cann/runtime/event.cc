#include "runtime/event.h"

#include <utility>

#include "runtime/workers.h"

namespace alng::cann {
class Event::RecordWork final : public Work {
 public:
  RecordWork(std::shared_ptr<Event> event, std::shared_ptr<Record> record)
      : event_(std::move(event)), record_(std::move(record)) {}
  Answer run() override {
    event_->finish(*record_, {});
    return {};
  }
  void drop(const char* why) override { event_->finish(*record_, std::string("whose record was thrown away: ") + why); }

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
    return record_->over();
  }
  Answer run() override {
    const std::lock_guard lock(event_->mutex_);
    --event_->waits_;
    if (record_->done) return {};
    return {ACL_ERROR_RT_FAILURE, Kind::inner, "the stream waited for an event " + record_->abandoned};
  }
  void drop(const char*) override {
    const std::lock_guard lock(event_->mutex_);
    --event_->waits_;
  }

 private:
  std::shared_ptr<Event> event_;
  std::shared_ptr<Record> record_;
};

Answer Event::record(Stream& stream) {
  std::shared_ptr<Record> record;
  std::shared_ptr<Record> before;
  {
    const std::lock_guard lock(mutex_);
    record = next_ != nullptr ? std::move(next_) : std::make_shared<Record>();
    before = std::exchange(latest_, record);
  }
  if (stream.submit(std::make_unique<RecordWork>(shared_from_this(), record))) return {};
  give_up_record(record, std::move(before));
  return no_stream("aclrtRecordEvent");
}

// The event is as it was; who waits for the record meanwhile waits for the next.
void Event::give_up_record(const std::shared_ptr<Record>& record, std::shared_ptr<Record> before) {
  {
    const std::lock_guard lock(mutex_);
    if (latest_ == record) latest_ = std::move(before);
    if (next_ == nullptr) {
      next_ = record;
      return;
    }
  }
  finish(*record, "whose record was thrown away: its stream was destroyed");
}

Answer Event::wait_in(const std::shared_ptr<Stream>& stream) {
  std::shared_ptr<Record> record;
  {
    const std::lock_guard lock(mutex_);
    if (latest_ == nullptr && next_ == nullptr) next_ = std::make_shared<Record>();
    record = latest_ != nullptr ? latest_ : next_;
    if (!record->over()) record->waiting.push_back(stream);
    ++waits_;
  }
  if (stream->submit(std::make_unique<WaitWork>(shared_from_this(), std::move(record)))) return {};
  const std::lock_guard lock(mutex_);
  --waits_;
  return no_stream("aclrtStreamWaitEvent");
}

void Event::reset() {
  const std::lock_guard lock(mutex_);
  latest_ = nullptr;
}

void Event::finish(Record& record, std::string abandoned) {
  std::vector<std::weak_ptr<Stream>> waiting;
  {
    const std::lock_guard lock(mutex_);
    record.done = abandoned.empty();
    record.abandoned = std::move(abandoned);
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
  if (record == nullptr) return not_so("aclrtSynchronizeEvent: event has not been recorded");
  while (!record->over()) {
    lock.unlock();
    const bool helped = workers().help();
    lock.lock();
    if (!helped && !record->over()) changed_.wait_for(lock, Workers::nap);
  }
  if (record->done) return {};
  return {ACL_ERROR_RT_FAILURE, Kind::inner, "aclrtSynchronizeEvent: event is one " + record->abandoned};
}

Answer Event::complete(bool& complete) const {
  do {
    const std::lock_guard lock(mutex_);
    complete = latest_ != nullptr && latest_->done;
    if (latest_ == nullptr || complete) return {};
    if (!latest_->abandoned.empty()) {
      return {ACL_ERROR_RT_FAILURE, Kind::inner, "aclrtQueryEventStatus: event is one " + latest_->abandoned};
    }
  } while (workers().help());
  return {};
}

bool Event::all_waits_done() const {
  do {
    const std::lock_guard lock(mutex_);
    if (waits_ == 0) return true;
  } while (workers().help());
  return false;
}

void Event::destroy() {
  std::shared_ptr<Record> never_recorded;
  {
    const std::lock_guard lock(mutex_);
    never_recorded = std::move(next_);
  }
  if (never_recorded != nullptr) finish(*never_recorded, "that was destroyed before it was recorded");
}

Answer Event::elapsed(const Event& start, const Event& end, float* ms) {
  const std::pair<const char*, const Event*> both[] = {{"startEvent", &start}, {"endEvent", &end}};
  Clock::time_point times[2];
  for (int i = 0; i < 2; ++i) {
    const auto& [name, event] = both[i];
    const std::string is = std::string("aclrtEventElapsedTime: ") + name;
    const auto no_time = [](std::string sentence) -> Answer {
      return {ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID, Kind::value, std::move(sentence)};
    };
    if (!event->takes_time_) return no_time(is + " takes no time: it was created without ACL_EVENT_TIME_LINE");
    const std::lock_guard lock(event->mutex_);
    if (event->latest_ != nullptr && !event->latest_->abandoned.empty()) {
      return no_time(is + " is one " + event->latest_->abandoned);
    }
    if (event->latest_ == nullptr || !event->latest_->done) {
      return no_time(is + " is not complete but must be recorded, and its stream must have come to it");
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
