// What Python hands over for a tensor, read without a copy.
#ifndef ALNG_PYTHON_TENSORS_H
#define ALNG_PYTHON_TENSORS_H

#include <alng/alng.h>
#include <nanobind/nanobind.h>

#include <alng/operands.hpp>

namespace alng::python {

struct Tensor {
  alng_tensor layout{};  // all 0: there is none
  const void* data = nullptr;
  nanobind::object keeps_alive;  // what layout and data were read from, where that is not the caller's object
};

/// `object` is None, (address, dtype, shape, strides), a NumPy array, or anything on the CPU with DLPack. Raises
/// TypeError where it is none of these or has no dtype that any operand may have, and for an output that is read-only.
/// in_graph: the caller sees to the gradients of tensors that require them, which are refused otherwise.
Tensor read_tensor(const Operand& operand, nanobind::handle object, bool in_graph);

/// A new NumPy array, not filled, of the layout's dtype and shape; where `like` is a tensor of torch, one of torch.
nanobind::object new_array(const Operand& operand, const alng_tensor& layout, nanobind::handle like);

/// Looks up what these need of NumPy.
void find_numpy();

}  // namespace alng::python

#endif
