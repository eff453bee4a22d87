#include "measuring/device.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <vector>

#include "judge/computation.h"
#include "judge/device_tensors.h"

namespace alng::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Half of the bytes are read and half written, as many as cross memory in the problem.
class DeviceCopy {
 public:
  DeviceCopy(Memory memory, std::int64_t bytes)
      : memory_(memory),
        bytes_(static_cast<std::size_t>((bytes + 1) / 2)),
        from_(memory, bytes_),
        to_(memory, bytes_) {}

  double time(int count) const {
    Status status;
    const double seconds = or_fail(memory_.time([&] {
      for (int i = 0; i < count && status.ok(); ++i) status = memory_.copy(to_.data(), from_.data(), bytes_);
    }));
    or_fail(status);
    return seconds;
  }

 private:
  Memory memory_;
  std::size_t bytes_;
  DeviceBuffer from_, to_;
};

// So many calls one after another that the clock's steps (half a microsecond) and the way to the device don't count.
int calls_at_once(const std::function<double(int)>& time) {
  constexpr double long_enough = 1e-3;
  time(1);
  return std::clamp(static_cast<int>(std::ceil(long_enough / std::max(time(1), 1e-6))), 1, 200);
}

}  // namespace

template <class Operator>
void measure_on_device(const ProblemOf<Operator>& problem, const PlanOf<Operator>& plan, const BenchOptions& options,
                       BenchResult& result) {
  DeviceTensors<Operator> tensors(plan);
  tensors.upload(BenchArrays<Operator>(problem).arguments());
  const DeviceCopy copy(plan.memory(), problem.bytes());
  const std::array<std::function<double(int)>, 2> contestants = {[&](int calls) { return tensors.time_runs(calls); },
                                                                 [&](int calls) { return copy.time(calls); }};
  const std::array<int, 2> calls = {calls_at_once(contestants[0]), calls_at_once(contestants[1])};

  constexpr int fewest_rounds = 5;
  std::array<std::vector<double>, 2> seconds;
  const Clock::time_point begin = Clock::now();
  const auto more = [&](int round) {
    if (options.repeats > 0) return round < options.repeats;
    return round < fewest_rounds || Clock::now() - begin < std::chrono::duration<double>(options.seconds);
  };
  for (int round = 0; more(round); ++round) {
    for (const std::size_t turn : {0, 1}) {
      const std::size_t i = (turn + static_cast<std::size_t>(round)) % 2;
      seconds[i].push_back(contestants[i](calls[i]) / calls[i]);
    }
  }
  result.calls = static_cast<std::int64_t>(seconds[0].size()) * calls[0];
  result.seconds = quartiles(seconds[0]);
  std::vector<double> speed;
  for (std::size_t i = 0; i < seconds[0].size(); ++i) speed.push_back(seconds[1][i] / seconds[0][i]);
  result.beside = "copy";
  result.stream = {"of as many bytes", 1, quartiles(seconds[1]).median, quartiles(speed)};
}

template void measure_on_device(const ForwardProblem&, const ForwardPlan&, const BenchOptions&, BenchResult&);
template void measure_on_device(const GradProblem&, const GradPlan&, const BenchOptions&, BenchResult&);

}  // namespace alng::cli
