// Which dtypes the tensors of AddLayerNormGrad may have on the product that is stood for.
#ifndef ALNG_CANN_OPERATOR_DTYPE_RULE_H
#define ALNG_CANN_OPERATOR_DTYPE_RULE_H

#include <cstddef>
#include <optional>

#include "alng/alng.hpp"
#include "runtime/product.h"

namespace alng::cann {

enum class DTypeRule {
  kept,
  float32,    ///< broken: it must be float32
  supported,  ///< broken: it must be one that the product has
  as_dy,      ///< broken: it must be dy's
};

/// Of the tensor at a place of `grad::operands`; `dtype` is nothing where alng has no such dtype. `of_dy`: nothing
/// where it is not known, or is the one in question.
inline DTypeRule judge_dtype(std::size_t place, std::optional<DType> dtype, std::optional<DType> of_dy,
                             const Product& product) {
  const Type type = grad::operands[place].type;
  if (type == Type::float32) return dtype == DType::float32 ? DTypeRule::kept : DTypeRule::float32;
  if (!of_dy || dtype == of_dy) {
    return dtype && (dtype != DType::bfloat16 || product.bfloat16) ? DTypeRule::kept : DTypeRule::supported;
  }
  const bool mixed = type == Type::T_or_float32 && dtype == DType::float32 && product.mixed_gamma;
  return mixed ? DTypeRule::kept : DTypeRule::as_dy;
}

}  // namespace alng::cann

#endif
