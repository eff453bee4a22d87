// Values for each column (gamma, beta) as the kernels read them: dense float32, in an order of their own where they
// have one.
#ifndef ALNG_CPU_OWN_ORDER_H
#define ALNG_CPU_OWN_ORDER_H

#include <cstdint>

#include "problem/rows.h"

namespace alng::impl::cpu {

/// wide[j] = values[j] in float32, in the kernels' own order; `values` is dense and of the kernels' dtype, `wide`
/// padded.
using WidenFunction = void (*)(const void* values, float* wide, std::int64_t columns);

/// Reorders, in place, values for each column between natural order and the kernels' own. `padded_columns` is a
/// multiple of 32.
using ReorderFunction = void (*)(float* values, std::int64_t padded_columns);

struct OwnOrder {
  WidenFunction widen;
  /// Null where values are in natural order.
  ReorderFunction from_natural;
  ReorderFunction to_natural;

  /// Whether kernels can't read a tensor that lies so where it is.
  bool needs_copy(const Rows& view) const noexcept {
    return from_natural != nullptr || view.dtype != DType::float32 || !view.dense_row;
  }
};

/// Any layout and dtype, as dense float32 in the kernels' order. `dtype` is the kernels'.
void widen(const OwnOrder& order, DType dtype, const Rows& view, const void* values, std::int64_t columns,
           float* wide) noexcept;

}  // namespace alng::impl::cpu

#endif
