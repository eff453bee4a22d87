#include "judge/device_tensors.h"

#include "judge/computation.h"

namespace alng::cli {
namespace {

/// From the first to the last element of a tensor.
std::size_t bytes_of(const TensorLayout& layout) {
  std::size_t last = 0;
  for (std::size_t d = 0; d < static_cast<std::size_t>(layout.rank); ++d) {
    if (layout.shape[d] == 0) return 0;
    last += static_cast<std::size_t>((layout.shape[d] - 1) * layout.strides[d]);
  }
  return (last + 1) * dtype_size(layout.dtype);
}

}  // namespace

DeviceBuffer::DeviceBuffer(Memory memory, std::size_t bytes) : data_(or_fail(memory.allocate(bytes)), Free{memory}) {}

template <class Operator>
DeviceTensors<Operator>::DeviceTensors(const PlanOf<Operator>& plan) : plan_(plan) {
  for (std::size_t place = 0; place < Operator::Description::Table::operands.size(); ++place) {
    const TensorLayout* const layout = layout_at(plan.problem().description(), place);
    if (layout == nullptr) continue;
    give_pointer(arguments_, place, buffers_.emplace_back(plan.memory(), bytes_of(*layout)).data());
  }
  arguments_.workspace_size = plan.workspace_size();
  arguments_.workspace = buffers_.emplace_back(plan.memory(), arguments_.workspace_size).data();
}

template <class Operator>
void DeviceTensors<Operator>::upload(const typename Operator::Arguments& from) {
  constexpr auto& operands = Operator::Description::Table::operands;
  for (std::size_t place = 0; place < operands.size(); ++place) {
    if (operands[place].direction == Direction::output || pointer_at(arguments_, place) == nullptr) continue;
    upload(place, pointer_at(from, place));
  }
}

template <class Operator>
void DeviceTensors<Operator>::upload(std::size_t place, const void* from) {
  const TensorLayout& layout = *layout_at(plan_.problem().description(), place);
  or_fail(plan_.memory().upload(const_cast<void*>(pointer_at(arguments_, place)), from, bytes_of(layout)));
}

template <class Operator>
void DeviceTensors<Operator>::download(std::size_t place, void* to) const {
  const TensorLayout& layout = *layout_at(plan_.problem().description(), place);
  or_fail(plan_.memory().download(to, pointer_at(arguments_, place), bytes_of(layout)));
}

template <class Operator>
double DeviceTensors<Operator>::time_runs(int count) const {
  Status status;
  const double seconds = or_fail(plan_.memory().time([&] {
    for (int i = 0; i < count && status.ok(); ++i) status = plan_.run(arguments_);
  }));
  or_fail(status);
  return seconds;
}

template class DeviceTensors<c_structs::Forward>;
template class DeviceTensors<c_structs::Grad>;

}  // namespace alng::cli
