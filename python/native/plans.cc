#include "plans.h"

#include <pthread.h>

namespace alng::python {
namespace {

constinit std::atomic<int> times_forked{0};
const int counts_forks = pthread_atfork(nullptr, nullptr, [] { times_forked.fetch_add(1, std::memory_order_relaxed); });

}  // namespace

const std::atomic<int>& forks() noexcept { return times_forked; }

Workspace::Workspace(std::size_t bytes) {
  static constexpr std::size_t most_kept = std::size_t{4} << 20;  // enough for 6000 columns, by any number of threads
  thread_local std::unique_ptr<std::byte[]> kept;
  thread_local std::size_t kept_bytes = 0;
  if (bytes > most_kept) {
    large_.reset(new std::byte[bytes]);
    data_ = large_.get();
    return;
  }
  if (bytes > kept_bytes) {
    kept_bytes = 0;
    kept.reset(new std::byte[bytes]);
    kept_bytes = bytes;
  }
  data_ = kept.get();
}

}  // namespace alng::python
