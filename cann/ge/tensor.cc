#include "graph/tensor.h"

#include <cstring>

#include "ge/aligned_memory.h"
#include "ge/message.h"
#include "ge/tensor_spec.h"

namespace ge {

using alng::cann::engine::guarded;
using alng::cann::engine::refused;

graphStatus Tensor::SetData(const uint8_t* data, size_t size) {
  return guarded("Tensor::SetData", [&]() -> alng::Status {
    if (data == nullptr && size > 0) {
      return refused("data is null but must be " + std::to_string(size) + " bytes of memory");
    }
    auto memory = alng::cann::engine::allocate_aligned(size);
    if (size > 0) std::memcpy(memory.get(), data, size);
    data_ = std::move(memory);
    size_ = size;
    return {};
  });
}

graphStatus Tensor::SetData(uint8_t* data, size_t size, const DeleteFunc& release) {
  return guarded("Tensor::SetData", [&]() -> alng::Status {
    if (data == nullptr && size > 0) {
      return refused("data is null but must be " + std::to_string(size) + " bytes of memory");
    }
    if (release != nullptr) {
      data_ = std::shared_ptr<uint8_t>(data, release);
    } else {
      data_ = std::shared_ptr<uint8_t>(data, [](uint8_t*) {});  // the caller's own for good
    }
    size_ = size;
    return {};
  });
}

graphStatus Tensor::IsValid() const {
  return guarded("Tensor::IsValid", [&] {
    alng::cann::engine::TensorSpec spec;
    return alng::cann::engine::spec_of(*this, {}, spec);
  });
}

Tensor Tensor::Clone() const {
  Tensor clone(desc_);
  clone.SetData(data_.get(), size_);
  return clone;
}

}  // namespace ge
