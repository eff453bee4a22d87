// A mark in streams that others wait for.
#ifndef ALNG_CANN_RUNTIME_EVENT_H
#define ALNG_CANN_RUNTIME_EVENT_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/stream.h"

namespace alng::cann {

/// Each record is an object of its own, and a wait holds the one it waits for: recording anew, in whatever stream, or a
/// reset does not change what was queued before.
class Event : public std::enable_shared_from_this<Event> {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Event(bool takes_time) : takes_time_(takes_time) {}

  Answer record(Stream& stream);
  Answer wait_in(const std::shared_ptr<Stream>& stream);
  void reset();
  Answer synchronize();
  /// An error where the latest record was thrown away, and so never will be.
  Answer complete(bool& complete) const;
  bool all_waits_done() const;
  /// Waits for a record that nobody has queued end with an error.
  void destroy();

  /// Milliseconds between the latest records of both.
  static Answer elapsed(const Event& start, const Event& end, float* ms);

 private:
  struct Record {
    bool done = false;
    /// Why it never will be, as what follows "an event"; empty: it may.
    std::string abandoned;
    Clock::time_point time{};

    bool over() const { return done || !abandoned.empty(); }
    std::vector<std::weak_ptr<Stream>> waiting;
  };
  class RecordWork;
  class WaitWork;
  /// `abandoned`: empty where the stream came to it.
  void finish(Record& record, std::string abandoned);
  void give_up_record(const std::shared_ptr<Record>& record, std::shared_ptr<Record> before);

  const bool takes_time_;
  mutable std::mutex mutex_;  // of the records, too
  std::condition_variable changed_;
  std::shared_ptr<Record> latest_;  // null: not recorded, or reset
  std::shared_ptr<Record> next_;    // waited for before it is recorded
  std::uint64_t waits_ = 0;         // told to wait, and not done
};

Registry<Event>& events();

}  // namespace alng::cann

#endif
