#include "cases/instance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cases/element.h"
#include "cases/layout.h"
#include "cases/numbers.h"

namespace alng::cases {

const char* tensor_name(int tensor) {
  static const char* const names[kTensors] = {"dy",    "x1",   "x2", "rstd",   "mean",
                                              "gamma", "dsum", "dx", "dgamma", "dbeta"};
  return names[tensor];
}

std::int64_t span_of(const TensorLayout& layout) {
  std::int64_t last = 0;
  for (int d = 0; d < layout.rank; ++d) {
    const auto i = static_cast<std::size_t>(d);
    if (layout.shape[i] == 0) return 0;
    last += (layout.shape[i] - 1) * layout.strides[i];
  }
  return last + 1;
}

bool is_dense(const TensorLayout& layout) {
  std::int64_t stride = 1;
  for (int d = layout.rank - 1; d >= 0; --d) {
    const auto i = static_cast<std::size_t>(d);
    if (layout.shape[i] != 1 && layout.strides[i] != stride) return false;
    stride *= layout.shape[i];
  }
  return true;
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
  for (std::size_t t = 0; t < kTensors; ++t) {
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
  full(kDy);
  full(kX1);
  if (case_.x2) full(kX2);
  for (const int t : {kRstd, kMean}) {
    layouts_[t] = arrange(case_.arrangement, t, DType::float32, statistics, statistics_trailing);
  }
  if (case_.gamma) small(kGamma, *case_.gamma);
  if (case_.dsum) full(kDsum);
  if (case_.wants_dx) {
    full(kDx);
    if (dx_over() >= 0) layouts_[kDx] = layouts_[dx_over()];
  }
  if (case_.wants_dgamma) small(kDgamma, DType::float32);
  if (case_.wants_dbeta) small(kDbeta, DType::float32);

  description_.dy = *layouts_[kDy];
  description_.x1 = *layouts_[kX1];
  description_.x2 = layouts_[kX2];
  description_.rstd = *layouts_[kRstd];
  description_.mean = *layouts_[kMean];
  description_.gamma = layouts_[kGamma];
  description_.dsum = layouts_[kDsum];
  description_.dx = layouts_[kDx];
  description_.dgamma = layouts_[kDgamma];
  description_.dbeta = layouts_[kDbeta];
  description_.accumulate = case_.accumulate;
  // With gamma the number is left to be told by it, with short statistics to be told by them: both ways are used.
  if (!case_.gamma && !case_.short_statistics) description_.normalized_dims = trailing;
}

void Instance::fill(std::uint64_t seed) {
  for (int t = 0; t < kTensors; ++t) {
    if (!layouts_[t] || t == kRstd || t == kMean || (t >= kFirstOutput && !(case_.accumulate && t != kDx))) continue;
    NumberSource source(case_, t, seed);
    Offsets offsets(*layouts_[t]);
    const std::size_t size = dtype_size(layouts_[t]->dtype);
    const bool per_column = t == kGamma || t >= kFirstOutput;
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
  Offsets x1(*layouts_[kX1]);
  std::optional<Offsets> x2;
  if (case_.x2) x2.emplace(*layouts_[kX2]);
  Offsets rstd_offsets(*layouts_[kRstd]);
  Offsets mean_offsets(*layouts_[kMean]);
  const std::size_t size = dtype_size(case_.dtype);
  const double columns = static_cast<double>(case_.columns());
  std::vector<float> x(static_cast<std::size_t>(case_.columns()));
  for (std::int64_t i = 0; i < case_.rows(); ++i) {
    double sum = 0;
    for (float& value : x) {
      value = static_cast<float>(load(case_.dtype, storage_[kX1].data() + static_cast<std::size_t>(x1.next()) * size));
      if (x2) {
        value +=
            static_cast<float>(load(case_.dtype, storage_[kX2].data() + static_cast<std::size_t>(x2->next()) * size));
      }
      sum += value;
    }
    const double mean = columns > 0 ? sum / columns : 0;
    double squares = 0;
    for (const float value : x) squares += (value - mean) * (value - mean);
    const double variance = columns > 0 ? squares / columns : 0;
    const Statistics of_row = statistics_of(case_, i, mean, variance);
    std::memcpy(storage_[kRstd].data() + static_cast<std::size_t>(rstd_offsets.next()) * 4, &of_row.rstd, 4);
    std::memcpy(storage_[kMean].data() + static_cast<std::size_t>(mean_offsets.next()) * 4, &of_row.mean, 4);
  }
}

std::vector<std::byte> Instance::elements(int tensor, const std::byte* memory) const {
  const TensorLayout& layout = *layouts_[static_cast<std::size_t>(tensor)];
  const std::size_t size = dtype_size(layout.dtype);
  std::size_t count = 1;
  for (int d = 0; d < layout.rank; ++d) count *= static_cast<std::size_t>(layout.shape[static_cast<std::size_t>(d)]);
  std::vector<std::byte> out(count * size);
  if (is_dense(layout)) {
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
      return kDy;
    case InPlace::x1:
      return kX1;
    case InPlace::x2:
      return kX2;
    case InPlace::dsum:
      return kDsum;
    default:
      return -1;
  }
}

void set_pointer(GradArguments& arguments, int tensor, std::byte* memory) {
  switch (tensor) {
    case kDy:
      arguments.dy = memory;
      break;
    case kX1:
      arguments.x1 = memory;
      break;
    case kX2:
      arguments.x2 = memory;
      break;
    case kRstd:
      arguments.rstd = reinterpret_cast<float*>(memory);
      break;
    case kMean:
      arguments.mean = reinterpret_cast<float*>(memory);
      break;
    case kGamma:
      arguments.gamma = memory;
      break;
    case kDsum:
      arguments.dsum = memory;
      break;
    case kDx:
      arguments.dx = memory;
      break;
    case kDgamma:
      arguments.dgamma = reinterpret_cast<float*>(memory);
      break;
    default:
      arguments.dbeta = reinterpret_cast<float*>(memory);
      break;
  }
}

}  // namespace alng::cases
