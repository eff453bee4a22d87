#include "cases/instance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cases/element.h"
#include "cases/layout.h"
#include "cases/numbers.h"

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

Instance::Instance(const Case& what, std::uint64_t seed) : case_(what) {
  describe();
  for (std::size_t t = 0; t < grad::count; ++t) {
    if (!layouts_[t]) continue;
    storage_[t].assign(static_cast<std::size_t>(span_of(*layouts_[t])) * dtype_size(layouts_[t]->dtype),
                       std::byte{0xFF});
  }
  fill(seed);
}

void Instance::describe() {
  const int trailing = case_.normalized_dims;
  const auto leading = static_cast<std::ptrdiff_t>(case_.shape.size()) - trailing;
  const std::vector<std::int64_t> columns(case_.shape.begin() + leading, case_.shape.end());
  std::vector<std::int64_t> statistics(case_.shape.begin(), case_.shape.begin() + leading);
  const int statistics_trailing = case_.short_statistics ? 0 : case_.single_one ? 1 : trailing;
  statistics.resize(statistics.size() + static_cast<std::size_t>(statistics_trailing), 1);

  const auto full = [&](int t) { layouts_[t] = arrange(case_.arrangement, t, case_.dtype, case_.shape, trailing); };
  const auto small = [&](int t, DType dtype) {
    layouts_[t] = arrange(case_.arrangement, t, dtype, columns, static_cast<int>(columns.size()));
  };
  full(grad::dy);
  full(grad::x1);
  if (case_.x2) full(grad::x2);
  for (const int t : {grad::rstd, grad::mean}) {
    layouts_[t] = arrange(case_.arrangement, t, DType::float32, statistics, statistics_trailing);
  }
  if (case_.gamma) small(grad::gamma, *case_.gamma);
  if (case_.dsum) full(grad::dsum);
  if (case_.wants_dx) {
    full(grad::dx);
    if (dx_over() >= 0) layouts_[grad::dx] = layouts_[dx_over()];
  }
  if (case_.wants_dgamma) small(grad::dgamma, DType::float32);
  if (case_.wants_dbeta) small(grad::dbeta, DType::float32);

  for (std::size_t t = 0; t < grad::count; ++t) {
    if (layouts_[t]) give_layout(description_, t, *layouts_[t]);
  }
  description_.accumulate = case_.accumulate;
  // With gamma the number is left to be told by it, with short statistics to be told by them: both ways are used.
  if (!case_.gamma && !case_.short_statistics) description_.normalized_dims = trailing;
}

void Instance::fill(std::uint64_t seed) {
  for (int t = 0; t < grad::count; ++t) {
    if (!layouts_[t] || t == grad::rstd || t == grad::mean || (t >= grad::dx && !(case_.accumulate && t != grad::dx)))
      continue;
    NumberSource source(case_, t, seed);
    Offsets offsets(*layouts_[t]);
    const std::size_t size = dtype_size(layouts_[t]->dtype);
    const bool per_column = t == grad::gamma || t >= grad::dx;
    const std::int64_t rows = per_column ? 1 : case_.rows();
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < case_.columns(); ++j) {
        source.write(i, layouts_[t]->dtype, storage_[t].data() + static_cast<std::size_t>(offsets.next()) * size);
      }
    }
  }
  fill_statistics();
}

void Instance::fill_statistics() {
  // Read back from memory: where a tensor repeats elements, what it holds is not what was generated for every index.
  Offsets x1(*layouts_[grad::x1]);
  std::optional<Offsets> x2;
  if (case_.x2) x2.emplace(*layouts_[grad::x2]);
  Offsets rstd_offsets(*layouts_[grad::rstd]);
  Offsets mean_offsets(*layouts_[grad::mean]);
  const std::size_t size = dtype_size(case_.dtype);
  const double columns = static_cast<double>(case_.columns());
  std::vector<float> x(static_cast<std::size_t>(case_.columns()));
  for (std::int64_t i = 0; i < case_.rows(); ++i) {
    double sum = 0;
    for (float& value : x) {
      value =
          static_cast<float>(load(case_.dtype, storage_[grad::x1].data() + static_cast<std::size_t>(x1.next()) * size));
      if (x2) {
        value += static_cast<float>(
            load(case_.dtype, storage_[grad::x2].data() + static_cast<std::size_t>(x2->next()) * size));
      }
      sum += value;
    }
    const double mean = columns > 0 ? sum / columns : 0;
    double squares = 0;
    for (const float value : x) squares += (value - mean) * (value - mean);
    const double variance = columns > 0 ? squares / columns : 0;
    const Statistics of_row = statistics_of(case_, i, mean, variance);
    std::memcpy(storage_[grad::rstd].data() + static_cast<std::size_t>(rstd_offsets.next()) * 4, &of_row.rstd, 4);
    std::memcpy(storage_[grad::mean].data() + static_cast<std::size_t>(mean_offsets.next()) * 4, &of_row.mean, 4);
  }
}

std::vector<std::byte> Instance::elements(int tensor, const std::byte* memory) const {
  const TensorLayout& layout = *layouts_[static_cast<std::size_t>(tensor)];
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

std::vector<double> Instance::numbers(int tensor) const {
  const DType dtype = layouts_[static_cast<std::size_t>(tensor)]->dtype;
  const std::vector<std::byte> dense = elements(tensor, storage(tensor).data());
  std::vector<double> out(dense.size() / dtype_size(dtype));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = load(dtype, dense.data() + i * dtype_size(dtype));
  return out;
}

int Instance::dx_over() const {
  switch (case_.in_place) {
    case InPlace::dy:
      return grad::dy;
    case InPlace::x1:
      return grad::x1;
    case InPlace::x2:
      return grad::x2;
    case InPlace::dsum:
      return grad::dsum;
    default:
      return -1;
  }
}

}  // namespace alng::cases
