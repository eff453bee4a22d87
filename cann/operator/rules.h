// What CANN's AddLayerNormGrad asks of its tensors beyond what alng does, by their places in `grad::operands`.
#ifndef ALNG_CANN_OPERATOR_RULES_H
#define ALNG_CANN_OPERATOR_RULES_H

#include <cstddef>
#include <optional>

#include "alng/alng.hpp"
#include "runtime/product.h"

namespace alng::cann {

/// x2 and the outputs, which alng has optional, are required here.
constexpr bool is_required(std::size_t place) { return place != grad::gamma && place != grad::dsum; }

/// What a dtype may be on the product that is stood for.
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
