#include "terminal/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

namespace alng::cli {

Progress::Progress(std::string label, std::int64_t total) : label_(std::move(label)), total_(total) {
  try {
    thread_ = std::thread([this] { show(); });
  } catch (const std::exception&) {
    // The system gives no thread: no progress is shown.
  }
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// A line that can't be printed does not stop the work.
void Progress::show() noexcept try {
  // The working thread handles signals. SIGPIPE is blocked: a closed stderr must not end the program.
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  using std::chrono::steady_clock;
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  const auto begin = steady_clock::now();
  auto wake = begin + std::chrono::seconds(1);
  bool shown = false;
  std::unique_lock lock(mutex_);
  while (!ended_.wait_until(lock, wake, [this] { return end_; })) {
    wake += terminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(10000);
    const double seconds = std::chrono::duration<double>(steady_clock::now() - begin).count();
    std::string line = fmt::format("alng: {}: ", label_);
    if (total_ > 0) {
      const double part = static_cast<double>(done_.load(std::memory_order_relaxed)) / static_cast<double>(total_);
      line += fmt::format("{:.0f} %, ", 100 * std::min(part, 1.0));
    }
    line += fmt::format("{:.0f} s", seconds);
    // \x1b[K erases what an older, longer line left behind.
    std::fputs((terminal ? "\r" + line + "\x1b[K" : line + "\n").c_str(), stderr);
    shown = true;
  }
  if (shown && terminal) std::fputs("\r\x1b[K", stderr);
} catch (const std::exception&) {
}

}  // namespace alng::cli
