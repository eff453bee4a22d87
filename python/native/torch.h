// What alng.torch does beside calls of both operators.
#ifndef ALNG_PYTHON_TORCH_H
#define ALNG_PYTHON_TORCH_H

#include <alng/alng.h>
#include <nanobind/nanobind.h>

namespace alng::python {

struct ExchangeApi;

/// Where kernels may be called without torch's dispatcher for LayerNorm of x1 + x2, whether this needs a graph. None
/// where they may not: somebody watches or transforms operators, a tensor is not data alone (of no subclass but
/// Parameter, not still to be negated), or normalized_shape is not x1's. The kernel may refuse what is to be converted.
nanobind::object takes_at_once(nanobind::handle x1, nanobind::handle x2, nanobind::handle weight, nanobind::handle bias,
                               nanobind::handle normalized_shape);

/// Whether they may in a backward of this: not where a graph of the backward is wanted, nor where dy or dsum has no
/// memory of its own (one of a batch, by is_grads_batched).
bool takes_gradient_at_once(nanobind::handle dy, nanobind::handle x, nanobind::handle weight, nanobind::handle dsum);

/// A new, contiguous tensor and its memory. Null where torch, before 2.14, has no C interface that makes one.
nanobind::object new_torch_tensor(const ExchangeApi& api, const alng_tensor& layout, int gpu, const void** data);

/// PyTorch's own threads: those of the operators before and after a call are awake, and others would compete with them.
/// Null, which stands for the library's, before torch 2.10 and in the child of a fork, where PyTorch's may be gone.
const alng_executor* torch_threads() noexcept;

/// To be called once before the others.
void use_torch(nanobind::handle torch);

}  // namespace alng::python

#endif
