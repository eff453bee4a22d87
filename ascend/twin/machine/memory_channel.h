// One core's share of the way to global memory, which loads and stores have in common: time is taken in order of
// readiness, and a transfer fills what others left free.
#ifndef ALNG_ASCEND_TWIN_MACHINE_MEMORY_CHANNEL_H
#define ALNG_ASCEND_TWIN_MACHINE_MEMORY_CHANNEL_H

#include <algorithm>
#include <cstddef>
#include <vector>

namespace alng::twin {

class MemoryChannel {
 public:
  /// Takes `duration` cycles from `ready` on, in pieces where the channel is busy between; returns the end of the last.
  double take(double ready, double duration) {
    std::size_t i = 0;
    while (i < busy_.size() && busy_[i].end <= ready) ++i;
    double at = ready;
    double left = duration;
    while (i < busy_.size()) {
      const double free = busy_[i].begin - at;
      if (free >= left) break;
      if (free > 0) {
        left -= free;
        busy_[i].begin = at;
      }
      at = std::max(at, busy_[i].end);
      ++i;
    }
    busy_.insert(busy_.begin() + static_cast<std::ptrdiff_t>(i), {at, at + left});
    join();
    return at + left;
  }

 private:
  struct Span {
    double begin, end;
  };

  // The past is forgotten: pipes do not start before what they did last, and a hundred spans back is far.
  void join() {
    std::size_t kept = 0;
    for (std::size_t i = 1; i < busy_.size(); ++i) {
      if (busy_[i].begin <= busy_[kept].end) {
        busy_[kept].end = std::max(busy_[kept].end, busy_[i].end);
      } else {
        busy_[++kept] = busy_[i];
      }
    }
    if (!busy_.empty()) busy_.resize(kept + 1);
    if (busy_.size() > 100) busy_.erase(busy_.begin(), busy_.begin() + 50);
  }

  std::vector<Span> busy_;
};

}  // namespace alng::twin

#endif
