// Both operators as XLA calls them, for JAX.
#ifndef ALNG_PYTHON_XLA_H
#define ALNG_PYTHON_XLA_H

#include "xla_ffi.h"

namespace alng::python::xla {

/// Arguments and results are the tensors that the call has, in the operator's order, dense. Attributes: `present`,
/// whose bit i stands for operand i, `normalized_dims` and, of the forward, `round_sum`, all int64, and `eps`, float32.
Error* add_layer_norm(CallFrame* frame) noexcept;
Error* add_layer_norm_grad(CallFrame* frame) noexcept;

/// The same on XLA's platform CUDA: work is begun on the stream of the call.
Error* add_layer_norm_cuda(CallFrame* frame) noexcept;
Error* add_layer_norm_grad_cuda(CallFrame* frame) noexcept;

}  // namespace alng::python::xla

#endif
