#include "cpu/own_order.h"

#include <cstring>

#include "cpu/memory.h"
#include "problem/element.h"

namespace alng::impl::cpu {

void widen(const OwnOrder& order, DType dtype, const Rows& view, const void* values, std::int64_t columns,
           float* wide) noexcept {
  if (view.dense_row && view.dtype == dtype) return order.widen(values, wide, columns);
  const auto* const from = static_cast<const std::byte*>(values);
  if (view.dense_row && view.dtype == DType::float32) {
    // One by one, gamma and beta of 768 columns took as long as 8 rows.
    std::memcpy(wide, from, static_cast<std::size_t>(columns) * sizeof(float));
  } else {
    for (std::int64_t j = 0; j < columns; ++j) wide[j] = load(from + view.column.offset(j), view.dtype);
  }
  if (order.from_natural != nullptr) order.from_natural(wide, padded(columns));
}

}  // namespace alng::impl::cpu
