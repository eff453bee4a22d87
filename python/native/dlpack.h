// Tensors by DLPack: in capsules, or without a call into Python where the type has DLPack's C side, as torch.Tensor
// has.
#ifndef ALNG_PYTHON_DLPACK_H
#define ALNG_PYTHON_DLPACK_H

#include <nanobind/ndarray.h>

#include <cstddef>

#include "tensors.h"

namespace alng::python {

struct ExchangeApi;
struct VersionedTensor;

bool has_dlpack(nanobind::handle object);

/// What read_tensor does for an object that has_dlpack.
Tensor read_dlpack(const Operand& operand, nanobind::handle object, bool in_graph);

/// DLPack's C side of torch.Tensor and torch.nn.Parameter; null for other types. A subclass of torch.Tensor inherits
/// it, though it may have no memory of its own: it is taken only if `any_subclass`.
const ExchangeApi* exchange_api_of(nanobind::handle type, bool any_subclass);
/// Of types that exchange_api_of has found one for.
const ExchangeApi* known_exchange_api_of(nanobind::handle type) noexcept;

Tensor read_exchange(const Operand& operand, nanobind::handle object, const ExchangeApi& api, bool may_be_on_gpu);

/// False where the tensor has no memory to be described.
bool describe(const ExchangeApi& api, nanobind::handle object, nanobind::dlpack::dltensor& described);

/// A new tensor, not filled, of the layout's dtype and shape.
nanobind::object new_exchanged(const ExchangeApi& api, const alng_tensor& layout, int gpu);

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
  VersionedTensor* memory_ = nullptr;
  void* stream_ = nullptr;
};

/// Names that these look up.
void find_dlpack();

}  // namespace alng::python

#endif
