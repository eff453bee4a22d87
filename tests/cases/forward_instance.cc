#include "cases/forward_instance.h"

#include <algorithm>

#include "cases/layout.h"
#include "cases/numbers.h"

namespace alng::cases {
namespace {

// The tensor of the gradient whose layout and numbers a tensor of the forward has, by place.
constexpr std::array<int, forward::count> like = {grad::x1, grad::x2,   grad::gamma, grad::dgamma,
                                                  grad::dx, grad::mean, grad::rstd,  grad::dsum};

// Twelve orders below the variance of real rows, so that a constant row gets rstd = 1e6; 0 where rows of zeros shall
// have none but infinity.
float eps_of(Values values) {
  return values == Values::x_constant ? 1e-12F : values == Values::signed_zero ? 0.0F : 1e-5F;
}

}  // namespace

std::vector<Case> forward_cases() {
  std::vector<Case> cases = all_cases();
  std::erase_if(cases, [](const Case& what) {
    switch (what.values) {
      case Values::dy_zero:
      case Values::dy_one:
      case Values::dy_constant:
      case Values::odd_statistics:
        return true;
      default:
        return what.accumulate;
    }
  });
  return cases;
}

ForwardInstance::ForwardInstance(const Case& what, bool round_sum, std::uint64_t seed)
    : StoredTensors(forward::operands), case_(what) {
  describe(round_sum);
  for (int t = 0; t < forward::y; ++t) {
    if (!layout(t)) continue;
    NumberSource(case_, like[index(t)], seed)
        .fill(*layout(t), operands()[index(t)].role == Role::column ? 1 : case_.rows(), storage_[index(t)]);
  }
}

void ForwardInstance::describe(bool round_sum) {
  const int trailing = case_.normalized_dims;
  const auto leading = static_cast<std::ptrdiff_t>(case_.shape.size()) - trailing;
  const std::vector<std::int64_t> columns(case_.shape.begin() + leading, case_.shape.end());
  std::vector<std::int64_t> statistics(case_.shape.begin(), case_.shape.begin() + leading);
  const int statistics_trailing = case_.short_statistics ? 0 : case_.single_one ? 1 : trailing;
  statistics.resize(statistics.size() + static_cast<std::size_t>(statistics_trailing), 1);

  const auto give = [&](int t, DType dtype, const std::vector<std::int64_t>& shape, int of_columns) {
    // No output repeats its elements.
    const bool repeats = is_output(t) && case_.arrangement == Arrangement::broadcast_rows;
    layouts_[index(t)] =
        arrange(repeats ? Arrangement::dense : case_.arrangement, like[index(t)], dtype, shape, of_columns);
  };
  const auto full = [&](int t) { give(t, case_.dtype, case_.shape, trailing); };
  const auto small = [&](int t, DType dtype) { give(t, dtype, columns, static_cast<int>(columns.size())); };
  full(forward::x1);
  if (case_.x2) full(forward::x2);
  if (case_.gamma) small(forward::gamma, *case_.gamma);
  // Of gamma's dtype, and with more dimensions of the other one that it may have.
  const DType like_gamma = case_.gamma.value_or(case_.dtype);
  const DType other = like_gamma == DType::float32 ? case_.dtype : DType::float32;
  if (case_.dsum) small(forward::beta, case_.shape.size() > 2 ? other : like_gamma);
  if (case_.wants_dx) full(forward::y);
  if (case_.wants_dgamma) {
    for (const int t : {forward::mean, forward::rstd}) give(t, DType::float32, statistics, statistics_trailing);
  }
  if (case_.wants_dbeta) full(forward::x);
  switch (case_.in_place) {
    case InPlace::x1:
      over_[forward::y] = forward::x1;
      break;
    case InPlace::x2:
      over_[forward::y] = forward::x2;
      break;
    case InPlace::dy:
      over_[forward::x] = forward::x1;
      break;
    case InPlace::dsum:
      over_[forward::y] = forward::x1;
      if (case_.x2) over_[forward::x] = forward::x2;
      break;
    case InPlace::none:
      break;
  }
  make_storage();
  for (std::size_t t = 0; t < operands().size(); ++t) {
    if (layouts_[t]) give_layout(description_, t, *layouts_[t]);
  }
  description_.round_sum = round_sum;
  description_.eps = eps_of(case_.values);
  // Else told by gamma or beta, or by short statistics: all ways are used.
  const bool told_by_columns = case_.gamma || case_.dsum;
  if (!told_by_columns && !(case_.short_statistics && case_.wants_dgamma)) description_.normalized_dims = trailing;
}

}  // namespace alng::cases
