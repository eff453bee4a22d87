// aclTensor: a view of memory.
#ifndef ALNG_CANN_ACLNN_TENSOR_H
#define ALNG_CANN_ACLNN_TENSOR_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "aclnn/acl_meta.h"
#include "alng/tensor.hpp"
#include "runtime/answer.h"
#include "runtime/registry.h"

namespace alng::cann {

struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::vector<std::int64_t> storage_shape;
  std::int64_t offset = 0;
  aclDataType dtype = ACL_DT_UNDEFINED;
  aclFormat format = ACL_FORMAT_UNDEFINED;
  void* data = nullptr;

  /// The address of the element whose indices are all 0, where the storage is at `storage`; null of null. `bytes`: from
  /// there to behind the last element. 161002 where one of them has no address; `name` is what the tensor is called.
  Answer find_first(const char* function, const char* name, std::size_t bytes, void* storage,
                    std::byte*& address) const;
  /// For a dtype that alng has. The strides of dimensions that are never stepped along count for nothing, and a rank
  /// beyond alng's stays, for alng to refuse.
  TensorLayout layout() const;
};

/// alng's name of a dtype, where it has it.
std::optional<DType> dtype_of(aclDataType dtype);

Registry<Tensor>& tensors();

/// 161002: the handle given as the parameter `name` is no living tensor's.
Answer no_tensor(const char* function, const char* name);

}  // namespace alng::cann

#endif
