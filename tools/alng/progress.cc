#include "progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace alng::cli {

Progress::Progress(std::string label, std::int64_t total)
    : label_(std::move(label)), total_(total), thread_([this] { show(); }) {}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void Progress::show() {
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
    fmt::print(stderr, "{}{}{}", terminal ? "\r" : "", line, terminal ? "\x1b[K" : "\n");
    std::fflush(stderr);
    shown = true;
  }
  if (shown && terminal) {
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  }
}

}  // namespace alng::cli
