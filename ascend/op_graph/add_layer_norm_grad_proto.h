// The graph engine's declaration of AddLayerNormGrad: what graphs call the operator and its tensors.
#ifndef ALNG_ASCEND_OP_GRAPH_ADD_LAYER_NORM_GRAD_PROTO_H
#define ALNG_ASCEND_OP_GRAPH_ADD_LAYER_NORM_GRAD_PROTO_H

#include "graph/operator_reg.h"

namespace ge {

// clang-format off

/// The backward pass of y = LayerNorm(x1 + x2), which is normalised over the trailing dimensions that gamma has. With D
/// of these elements to a row, and in each row:
///
///   x = x1 + x2        h = (x - mean) * rstd        w = dy * gamma   (w = dy without gamma)
///   m1 = (1/D) sum w        m2 = (1/D) sum w*h
///   dx = rstd * (w - m1 - h*m2) + dsum        dgamma = sum over rows of dy*h        dbeta = sum over rows of dy
///
/// T is one of float32, float16 and bfloat16, the same for all tensors that have it. Formats: ND. No attributes: eps is
/// in rstd, which is an input.
///
/// Inputs:
///   dy     T, rank 1 to 8: the gradient of y.
///   x1     T, shape of dy: the first input of the forward's sum.
///   x2     T, shape of dy: the second one.
///   rstd   float32, dy's leading dimensions, then 1 for each normalised one: 1/sqrt(Var[x] + eps). It comes before
///          mean, which the forward pass returns first.
///   mean   float32, shape of rstd: E[x].
///   gamma  T or float32, dy's trailing dimensions: the LayerNorm's scale; may be left out: a scale of 1. rstd's trailing
///          1s then tell which dimensions are normalised.
///   dsum   T, shape of dy; may be left out: a gradient that reaches x by another way, added to dx.
///
/// Outputs:
///   dx     T, shape of dy: the gradient of x1 and of x2.
///   dgamma float32, the normalised dimensions: the gradient of gamma.
///   dbeta  float32, shape of dgamma: the gradient of the LayerNorm's shift.
REG_OP(AddLayerNormGrad)
    .INPUT(dy, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .INPUT(x1, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .INPUT(x2, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .INPUT(rstd, TensorType({DT_FLOAT, DT_FLOAT, DT_FLOAT}))
    .INPUT(mean, TensorType({DT_FLOAT, DT_FLOAT, DT_FLOAT}))
    .OPTIONAL_INPUT(gamma, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .OPTIONAL_INPUT(dsum, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .OUTPUT(dx, TensorType({DT_FLOAT, DT_FLOAT16, DT_BF16}))
    .OUTPUT(dgamma, TensorType({DT_FLOAT, DT_FLOAT, DT_FLOAT}))
    .OUTPUT(dbeta, TensorType({DT_FLOAT, DT_FLOAT, DT_FLOAT}))
    .OP_END_FACTORY_REG(AddLayerNormGrad)

// clang-format on

}  // namespace ge

#endif
