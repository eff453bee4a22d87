// Arithmetic element by element. C++14.
#ifndef ALNG_CANN_GRAPH_ELEWISE_CALCULATION_OPS_H
#define ALNG_CANN_GRAPH_ELEWISE_CALCULATION_OPS_H

#include "graph/operator_reg.h"

namespace ge {

// clang-format off

// y = x1 + x2 in float32, rounded once to the dtype of both, nearest even. Shapes are broadcast: aligned at the last
// dimension, extents are equal or one of them is 1.
REG_OP(Add)
    .INPUT(x1, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .INPUT(x2, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .OUTPUT(y, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .OP_END_FACTORY_REG(Add)

// y = x in another dtype, rounded to nearest even.
// dst_type: the number of that dtype (ge::DataType).
REG_OP(Cast)
    .INPUT(x, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .OUTPUT(y, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .REQUIRED_ATTR(dst_type, Int)
    .OP_END_FACTORY_REG(Cast)

// clang-format on

}  // namespace ge

#endif
