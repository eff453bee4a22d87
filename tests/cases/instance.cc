#include "cases/instance.h"

#include <cmath>
#include <cstring>

#include "cases/element.h"
#include "cases/layout.h"
#include "cases/numbers.h"

namespace alng::cases {

namespace {

int input_under_dx(InPlace in_place) {
  switch (in_place) {
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

}  // namespace

Instance::Instance(const Case& what, std::uint64_t seed) : StoredTensors(grad::operands), case_(what) {
  describe();
  fill(seed);
}

void Instance::describe() {
  const int trailing = case_.normalized_dims;
  const auto leading = static_cast<std::ptrdiff_t>(case_.shape.size()) - trailing;
  const std::vector<std::int64_t> columns(case_.shape.begin() + leading, case_.shape.end());
  std::vector<std::int64_t> statistics(case_.shape.begin(), case_.shape.begin() + leading);
  const int statistics_trailing = case_.short_statistics ? 0 : case_.single_one ? 1 : trailing;
  statistics.resize(statistics.size() + static_cast<std::size_t>(statistics_trailing), 1);

  const auto full = [&](int t) {
    layouts_[index(t)] = arrange(case_.arrangement, t, case_.dtype, case_.shape, trailing);
  };
  const auto small = [&](int t, DType dtype) {
    layouts_[index(t)] = arrange(case_.arrangement, t, dtype, columns, static_cast<int>(columns.size()));
  };
  full(grad::dy);
  full(grad::x1);
  if (case_.x2) full(grad::x2);
  for (const int t : {grad::rstd, grad::mean}) {
    layouts_[index(t)] = arrange(case_.arrangement, t, DType::float32, statistics, statistics_trailing);
  }
  if (case_.gamma) small(grad::gamma, *case_.gamma);
  if (case_.dsum) full(grad::dsum);
  if (case_.wants_dx) full(grad::dx);
  over_[grad::dx] = input_under_dx(case_.in_place);
  if (case_.wants_dgamma) small(grad::dgamma, DType::float32);
  if (case_.wants_dbeta) small(grad::dbeta, DType::float32);

  make_storage();
  for (std::size_t t = 0; t < grad::count; ++t) {
    if (layouts_[t]) give_layout(description_, t, *layouts_[t]);
  }
  description_.accumulate = case_.accumulate;
  // With gamma the number is left to be told by it, with short statistics to be told by them: both ways are used.
  if (!case_.gamma && !case_.short_statistics) description_.normalized_dims = trailing;
}

void Instance::fill(std::uint64_t seed) {
  for (int t = 0; t < count(); ++t) {
    const std::optional<TensorLayout>& tensor = layout(t);
    if (!tensor || operands()[index(t)].role == Role::row || (is_output(t) && (!case_.accumulate || t == grad::dx))) {
      continue;
    }
    NumberSource(case_, t, seed)
        .fill(*tensor, operands()[index(t)].role == Role::column ? 1 : case_.rows(), storage_[index(t)]);
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

}  // namespace alng::cases
