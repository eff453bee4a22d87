// What Python hands over for a tensor, read without a copy.
#ifndef ALNG_PYTHON_TENSORS_H
#define ALNG_PYTHON_TENSORS_H

#include <alng/alng.h>
#include <nanobind/nanobind.h>

#include <alng/operands.hpp>
#include <cstdint>
#include <string>
#include <utility>

namespace alng::python {

inline constexpr int in_host_memory = -1;

struct Tensor {
  alng_tensor layout{};  // all 0: there is none
  const void* data = nullptr;
  nanobind::object keeps_alive;  // what layout and data were read from, where that is not the caller's object
  int gpu = in_host_memory;      // its number in CUDA
};

/// `object` is None, (address, dtype, shape, strides), a NumPy array, or anything on the CPU with DLPack. Raises
/// TypeError where it is none of these or has no dtype that any operand may have, and for an output that is read-only.
/// in_graph: the caller sees to the gradients of tensors that require them, which are refused otherwise, and tensors of
/// torch may be on a GPU.
Tensor read_tensor(const Operand& operand, nanobind::handle object, bool in_graph);

/// Makes a new NumPy array, not filled, of the layout's dtype and shape; where `like` is a tensor of torch, one of
/// torch on its GPU. Returns it and what read_tensor reads of it.
std::pair<nanobind::object, Tensor> new_tensor(const Operand& operand, const alng_tensor& layout, nanobind::handle like,
                                               int gpu);

/// What read_tensor says of a tensor that is wrong.
[[noreturn]] void refuse(const Operand& operand, const std::string& what_it_is, const std::string& what_it_must_be);
[[noreturn]] void refuse_dtype(const Operand& operand, const std::string& dtype);
void refuse_unless_writeable(const Operand& operand, bool is_writeable);

/// A rank as far as the library stores it, which refuses what doesn't fit; of it the dimensions that layouts hold.
std::int32_t stored_rank(std::int64_t rank);
int stored_dims(const alng_tensor& layout);

/// Looks up what these need of NumPy.
void find_numpy();

}  // namespace alng::python

#endif
