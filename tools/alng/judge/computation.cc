#include "judge/computation.h"

#include <chrono>
#include <cstdlib>
#include <new>

#include "judge/device_tensors.h"
#include "terminal/failure.h"
#include "terminal/progress.h"

namespace alng::cli {

Buffer::Buffer(std::size_t size) : size_(size) {
  constexpr std::size_t page = 4096;
  if (size > SIZE_MAX - page) throw std::bad_alloc();
  data_.reset(static_cast<std::byte*>(std::aligned_alloc(page, (size / page + 1) * page)));
  if (!data_) throw std::bad_alloc();
}

void Buffer::Free::operator()(std::byte* data) const { std::free(data); }

void or_fail(const Status& status) {
  if (!status.ok()) throw Failure(status.message());
}

template <class Operator>
Computation compute(const PlanOf<Operator>& plan, const typename Operator::Arguments& inputs, bool also_warm) {
  constexpr auto& operands = Operator::Description::Table::operands;
  Computation result;
  typename Operator::Arguments arguments = inputs;
  for (std::size_t place = 0; place < operands.size(); ++place) {
    if (operands[place].direction != Direction::output) continue;
    const TensorLayout& layout = *layout_at(plan.problem().description(), place);
    std::size_t size = dtype_size(layout.dtype);
    for (int i = 0; i < layout.rank; ++i) size *= static_cast<std::size_t>(layout.shape[static_cast<std::size_t>(i)]);
    give_pointer(arguments, place, result.outputs.emplace_back(size).data());
  }
  const Progress progress("computing", 0);
  const auto run = [&](const auto& timed) {
    result.first_seconds = timed();
    if (also_warm && result.first_seconds <= 10) result.warm_seconds = timed();
  };
  if (plan.memory()) {
    DeviceTensors<Operator> on_device(plan);
    on_device.upload(inputs);
    run([&] { return on_device.time_runs(1); });
    for (std::size_t place = 0; place < operands.size(); ++place) {
      if (operands[place].direction == Direction::output) {
        on_device.download(place, const_cast<void*>(pointer_at(arguments, place)));
      }
    }
    return result;
  }
  const Buffer workspace(plan.workspace_size());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.bytes().size();
  run([&] {
    const auto begin = std::chrono::steady_clock::now();
    or_fail(plan.run(arguments));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  });
  return result;
}

template Computation compute(const ForwardPlan&, const ForwardArguments&, bool);
template Computation compute(const GradPlan&, const GradArguments&, bool);

}  // namespace alng::cli
