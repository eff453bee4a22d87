// Shapes as CANN's contexts hand them over.
#ifndef ALNG_ASCEND_OP_HOST_CONTEXT_H
#define ALNG_ASCEND_OP_HOST_CONTEXT_H

#include "shapes.h"

namespace alng_npu {

// The operator's inputs and outputs, in the order of its definition.
enum Tensor { kInputDy, kInputX1, kInputX2, kInputRstd, kInputMean, kInputGamma, kInputDsum };
enum Output { kOutputDx, kOutputDgamma, kOutputDbeta };

// Shape: gert::Shape.
template <typename Shape>
ShapeOf shape_of(const Shape& shape) {
  ShapeOf result = ShapeOf();
  result.rank = shape.GetDimNum();
  for (size_t i = 0; i < result.rank && i < kMaxRank; ++i) result.dims[i] = shape.GetDim(i);
  return result;
}

}  // namespace alng_npu

#endif
