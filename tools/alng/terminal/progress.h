// A line on stderr for work that takes longer than a second.
#ifndef ALNG_TOOLS_PROGRESS_H
#define ALNG_TOOLS_PROGRESS_H

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

namespace alng::cli {

/// Where the system gives no thread for it, silent. Otherwise silent for the first second. Then, on a terminal, one
/// line that is redrawn in place and gone at the end; elsewhere (a log) a plain line, and another every ten seconds.
class Progress {
 public:
  /// `total` steps of work; 0: unknown, time alone is shown.
  Progress(std::string label, std::int64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t steps) { done_.fetch_add(steps, std::memory_order_relaxed); }

 private:
  void show() noexcept;

  std::string label_;
  std::int64_t total_;
  std::atomic<std::int64_t> done_{0};
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace alng::cli

#endif
