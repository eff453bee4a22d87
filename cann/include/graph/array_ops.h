// Where a graph's data comes in. C++14.
#ifndef ALNG_CANN_GRAPH_ARRAY_OPS_H
#define ALNG_CANN_GRAPH_ARRAY_OPS_H

#include "graph/operator_reg.h"

namespace ge {

// clang-format off

// A tensor that every run brings: the first op::Data of Graph::SetInputs gets the first tensor, and so on.
// x: never connected; what is said about it (update_input_desc_x) or about y is what tensors are held against.
// y: the tensor.
// index: kept, not looked at; programs leave it 0 for all.
REG_OP(Data)
    .INPUT(x, TensorType::ALL())
    .OUTPUT(y, TensorType::ALL())
    .ATTR(index, Int, 0)
    .OP_END_FACTORY_REG(Data)

// A tensor that the graph brings itself.
// y: the tensor.
// value: the tensor; it is copied when the graph is added to a session.
REG_OP(Const)
    .OUTPUT(y, TensorType::ALL())
    .ATTR(value, Tensor, Tensor())
    .OP_END_FACTORY_REG(Const)

// clang-format on

}  // namespace ge

#endif
