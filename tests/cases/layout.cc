#include "cases/layout.h"

#include <algorithm>
#include <numeric>

namespace alng::cases {
namespace {

// Strides for dimensions that follow each other in memory in `order`, innermost last, starting from `innermost`; behind
// the dimension `gap_after` are `gap` unused elements.
std::vector<std::int64_t> strides_in_order(const std::vector<std::int64_t>& shape, const std::vector<int>& order,
                                           std::int64_t innermost, int gap_after = -1, std::int64_t gap = 0) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = innermost;
  for (auto d = order.rbegin(); d != order.rend(); ++d) {
    strides[static_cast<std::size_t>(*d)] = stride;
    stride *= std::max<std::int64_t>(shape[static_cast<std::size_t>(*d)], 1);
    if (*d == gap_after) stride += gap;
  }
  return strides;
}

Arrangement of_mixed(int tensor) {
  switch (tensor) {
    case grad::dy:
    case grad::rstd:
      return Arrangement::transposed;
    case grad::x2:
    case grad::mean:
    case grad::dx:
      return Arrangement::row_strided;
    case grad::gamma:
    case grad::dsum:
    case grad::dgamma:
      return Arrangement::column_strided;
    default:
      return Arrangement::dense;
  }
}

}  // namespace

TensorLayout arrange(Arrangement arrangement, int tensor, DType dtype, const std::vector<std::int64_t>& shape,
                     int trailing) {
  const int rank = static_cast<int>(shape.size());
  const int leading = rank - trailing;
  std::vector<int> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::int64_t> strides = strides_in_order(shape, order, 1);
  switch (arrangement) {
    case Arrangement::dense:
      break;
    case Arrangement::mixed:
      return arrange(of_mixed(tensor), tensor, dtype, shape, trailing);
    case Arrangement::row_strided:
      // The first of the trailing dimensions ends a row.
      if (leading > 0 && trailing > 0) strides = strides_in_order(shape, order, 1, leading, 5);
      break;
    case Arrangement::column_strided:
      strides = strides_in_order(shape, order, 3);
      break;
    case Arrangement::transposed:
      std::reverse(order.begin(), order.end());
      strides = strides_in_order(shape, order, 1);
      break;
    case Arrangement::leading_swapped:
      if (leading > 1) std::swap(order[0], order[1]);
      strides = strides_in_order(shape, order, 1);
      break;
    case Arrangement::broadcast_rows:
      if (tensor == grad::dy || tensor == grad::x2 || tensor == grad::dsum) std::fill_n(strides.begin(), leading, 0);
      break;
    case Arrangement::broadcast_columns:
      if (tensor == grad::dy || tensor == grad::gamma) {
        const std::vector<std::int64_t> rows_only(shape.begin(), shape.begin() + leading);
        const std::vector<int> rows_order(order.begin(), order.begin() + leading);
        strides = strides_in_order(rows_only, rows_order, 1);
        strides.resize(shape.size(), 0);
      }
      break;
    case Arrangement::gamma_strided:
      if (tensor == grad::gamma) strides = strides_in_order(shape, order, 3);
      break;
  }
  return TensorLayout::strided(dtype, shape, strides);
}

}  // namespace alng::cases
