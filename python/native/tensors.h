// What Python hands over for a tensor, read without a copy.
#ifndef ALNG_PYTHON_TENSORS_H
#define ALNG_PYTHON_TENSORS_H

#include <alng/alng.h>
#include <nanobind/nanobind.h>

#include <alng/operands.hpp>

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

/// A new NumPy array, not filled, of the layout's dtype and shape; where `like` is a tensor of torch, one of torch on
/// its GPU.
nanobind::object new_array(const Operand& operand, const alng_tensor& layout, nanobind::handle like, int gpu);

/// What a run on a GPU takes beside its tensors, of the framework that `like` is a tensor of: memory that it allocates
/// for work on its current stream, and that stream.
class GpuWork {
 public:
  GpuWork(nanobind::handle like, int gpu, std::size_t workspace_bytes);
  ~GpuWork();
  GpuWork(const GpuWork&) = delete;
  GpuWork& operator=(const GpuWork&) = delete;
  void* workspace() const noexcept;
  void* stream() const noexcept { return stream_; }

 private:
  struct VersionedTensor* memory_ = nullptr;
  void* stream_ = nullptr;
};

/// Looks up what these need of NumPy.
void find_numpy();

}  // namespace alng::python

#endif
