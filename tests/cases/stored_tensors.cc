#include "cases/stored_tensors.h"

#include <cstring>

#include "cases/element.h"

namespace alng::cases {

std::int64_t span_of(const TensorLayout& layout) {
  std::int64_t last = 0;
  for (int d = 0; d < layout.rank; ++d) {
    const auto i = static_cast<std::size_t>(d);
    if (layout.shape[i] == 0) return 0;
    last += (layout.shape[i] - 1) * layout.strides[i];
  }
  return last + 1;
}

Offsets::Offsets(const TensorLayout& layout)
    : layout_(layout), run_left_(layout.rank == 0 ? 1 : layout.shape[static_cast<std::size_t>(layout.rank - 1)]) {}

std::int64_t Offsets::next() {
  const std::int64_t here = offset_;
  auto d = static_cast<std::size_t>(layout_.rank - 1);
  offset_ += layout_.strides[d];
  if (--run_left_ > 0) return here;
  // The innermost dimension is done: back to its start, and carry.
  run_left_ = layout_.shape[d];
  offset_ -= layout_.strides[d] * layout_.shape[d];
  while (d > 0) {
    --d;
    offset_ += layout_.strides[d];
    if (++index_[d] < layout_.shape[d]) break;
    offset_ -= layout_.strides[d] * layout_.shape[d];
    index_[d] = 0;
  }
  return here;
}

void StoredTensors::make_storage() {
  for (std::size_t t = 0; t < operands_.size(); ++t) {
    if (!layouts_[t]) continue;
    if (over_[t] >= 0) layouts_[t] = layouts_[index(over_[t])];
    storage_[t].assign(static_cast<std::size_t>(span_of(*layouts_[t])) * dtype_size(layouts_[t]->dtype),
                       std::byte{0xFF});
  }
}

std::vector<std::byte> StoredTensors::elements(int tensor, const std::byte* memory) const {
  const TensorLayout& layout = *layouts_[index(tensor)];
  const std::size_t size = dtype_size(layout.dtype);
  std::size_t count = 1;
  for (int d = 0; d < layout.rank; ++d) count *= static_cast<std::size_t>(layout.shape[static_cast<std::size_t>(d)]);
  std::vector<std::byte> out(count * size);
  if (layout.is_dense()) {
    if (!out.empty()) std::memcpy(out.data(), memory, out.size());
    return out;
  }
  Offsets offsets(layout);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(out.data() + i * size, memory + static_cast<std::size_t>(offsets.next()) * size, size);
  }
  return out;
}

std::vector<double> StoredTensors::numbers(int tensor) const {
  const DType dtype = layouts_[index(tensor)]->dtype;
  const std::vector<std::byte> dense = elements(tensor, storage(tensor).data());
  std::vector<double> out(dense.size() / dtype_size(dtype));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = load(dtype, dense.data() + i * dtype_size(dtype));
  return out;
}

}  // namespace alng::cases
