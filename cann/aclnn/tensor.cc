#include "aclnn/tensor.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include "aclnn/status_codes.h"
#include "runtime/leaks.h"

namespace alng::cann {
namespace {

constexpr std::uint64_t longest_shape = 25;

// Null where the parameters make no tensor.
std::shared_ptr<Tensor> make(const std::int64_t* shape, std::uint64_t rank, aclDataType dtype,
                             const std::int64_t* strides, std::int64_t offset, aclFormat format,
                             const std::int64_t* storage_shape, std::uint64_t storage_rank, void* data) {
  if (rank > longest_shape || storage_rank > longest_shape) return nullptr;
  if ((shape == nullptr && rank > 0) || (storage_shape == nullptr && storage_rank > 0)) return nullptr;
  auto tensor = std::make_shared<Tensor>();
  tensor->shape.assign(shape, shape + rank);
  tensor->storage_shape.assign(storage_shape, storage_shape + storage_rank);
  if (strides != nullptr) {
    tensor->strides.assign(strides, strides + rank);
  } else {
    tensor->strides.resize(rank);
    std::int64_t stride = 1;
    for (std::size_t d = rank; d-- > 0;) {
      tensor->strides[d] = stride;
      // What does not fit is refused with the shape, by those who use the tensor.
      if (__builtin_mul_overflow(stride, tensor->shape[d], &stride)) stride = std::numeric_limits<std::int64_t>::max();
    }
  }
  tensor->offset = offset;
  tensor->dtype = dtype;
  tensor->format = format;
  tensor->data = data;
  return tensor;
}

// Finds the tensor of a call about one; `result` is what the call writes to.
template <class Call>
aclnnStatus with_tensor(const char* function, const aclTensor* handle, const void* result, const char* result_name,
                        Call&& call) {
  return guarded_aclnn([&]() -> Answer {
    if (handle == nullptr) return null_object(function, "tensor");
    if (result == nullptr) return null_object(function, result_name);
    const std::shared_ptr<Tensor> tensor = tensors().find(handle);
    if (tensor == nullptr) return no_tensor(function, "tensor");
    call(*tensor);
    return {};
  });
}

// Callers free it with delete[].
void hand_out(const std::vector<std::int64_t>& numbers, std::int64_t** array, std::uint64_t* count) {
  *array = new std::int64_t[numbers.size()];
  std::copy(numbers.begin(), numbers.end(), *array);
  *count = numbers.size();
}

aclnnStatus hand_out_of(const char* function, const aclTensor* handle, std::vector<std::int64_t> Tensor::*numbers,
                        std::int64_t** array, std::uint64_t* count) {
  return with_tensor(function, handle, array != nullptr ? static_cast<const void*>(count) : nullptr, "result",
                     [&](const Tensor& tensor) { hand_out(tensor.*numbers, array, count); });
}

}  // namespace

Answer Tensor::find_first(const char* function, const char* name, std::size_t bytes, void* storage,
                          std::byte*& address) const {
  address = static_cast<std::byte*>(storage);
  if (storage == nullptr || bytes == 0) return {};
  std::int64_t distance = 0;
  // Arithmetic on the pointer itself is only defined within its array, which the storage need not be.
  std::uintptr_t first = 0, end = 0;
  if (__builtin_mul_overflow(offset, aclDataTypeSize(dtype), &distance) ||
      __builtin_add_overflow(reinterpret_cast<std::uintptr_t>(storage), distance, &first) ||
      __builtin_add_overflow(first, bytes, &end)) {
    return invalid_parameter(std::string(function) + ": " + name + " has offset " + std::to_string(offset) +
                             ", which puts it outside of the addresses there are: its " + std::to_string(bytes) +
                             " bytes must lie within the memory that it is a view of");
  }
  address = reinterpret_cast<std::byte*>(first);  // NOLINT(performance-no-int-to-ptr)
  return {};
}

TensorLayout Tensor::layout() const {
  TensorLayout layout;
  layout.dtype = dtype_of(dtype).value_or(DType::float32);
  layout.rank = static_cast<int>(shape.size());
  const std::size_t rank = std::min<std::size_t>(shape.size(), max_rank);
  std::copy_n(shape.begin(), rank, layout.shape.begin());
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  for (std::size_t d = 0; d < rank; ++d) layout.strides[d] = empty || shape[d] == 1 ? 1 : strides[d];
  return layout;
}

std::optional<DType> dtype_of(aclDataType dtype) {
  switch (dtype) {
    case ACL_FLOAT:
      return DType::float32;
    case ACL_FLOAT16:
      return DType::float16;
    case ACL_BF16:
      return DType::bfloat16;
    default:
      return std::nullopt;
  }
}

Answer no_tensor(const char* function, const char* name) {
  return invalid_parameter(std::string(function) + ": " + name + " is none of aclCreateTensor, or is destroyed");
}

Registry<Tensor>& tensors() {
  static Registry<Tensor>& all = []() -> Registry<Tensor>& {
    add_leak_count([] { return tensors().size(); }, "tensors");
    return *new Registry<Tensor>(0x54);
  }();
  return all;
}

}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclTensor* aclCreateTensor(const int64_t* viewDims, uint64_t viewDimsNum, aclDataType dataType, const int64_t* stride,
                           int64_t offset, aclFormat format, const int64_t* storageDims, uint64_t storageDimsNum,
                           void* tensorData) {
  aclTensor* handle = nullptr;
  guarded_aclnn([&]() -> Answer {
    auto tensor =
        make(viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorData);
    if (tensor == nullptr) {
      return invalid_parameter(
          "aclCreateTensor: viewDims and storageDims must not be null and have at most 25 entries");
    }
    handle = static_cast<aclTensor*>(tensors().add(std::move(tensor)));
    return {};
  });
  return handle;
}

aclnnStatus aclInitTensor(aclTensor* tensor, const int64_t* viewDims, uint64_t viewDimsNum, aclDataType dataType,
                          const int64_t* stride, int64_t offset, aclFormat format, const int64_t* storageDims,
                          uint64_t storageDimsNum, void* tensorData) {
  return guarded_aclnn([&]() -> Answer {
    if (tensor == nullptr) return null_object("aclInitTensor", "tensor");
    const auto found = tensors().find(tensor);
    if (found == nullptr) return no_tensor("aclInitTensor", "tensor");
    const auto made =
        make(viewDims, viewDimsNum, dataType, stride, offset, format, storageDims, storageDimsNum, tensorData);
    if (made == nullptr) {
      return invalid_parameter("aclInitTensor: viewDims and storageDims must not be null and have at most 25 entries");
    }
    *found = std::move(*made);
    return {};
  });
}

aclnnStatus aclDestroyTensor(const aclTensor* tensor) {
  return guarded_aclnn([&]() -> Answer {
    if (tensor == nullptr || tensors().remove(tensor) != nullptr) return {};
    return no_tensor("aclDestroyTensor", "tensor");
  });
}

aclnnStatus aclGetViewShape(const aclTensor* tensor, int64_t** viewDims, uint64_t* viewDimsNum) {
  return hand_out_of("aclGetViewShape", tensor, &Tensor::shape, viewDims, viewDimsNum);
}

aclnnStatus aclGetStorageShape(const aclTensor* tensor, int64_t** storageDims, uint64_t* storageDimsNum) {
  return hand_out_of("aclGetStorageShape", tensor, &Tensor::storage_shape, storageDims, storageDimsNum);
}

aclnnStatus aclGetViewStrides(const aclTensor* tensor, int64_t** stridesValue, uint64_t* stridesNum) {
  return hand_out_of("aclGetViewStrides", tensor, &Tensor::strides, stridesValue, stridesNum);
}

aclnnStatus aclGetViewOffset(const aclTensor* tensor, int64_t* offset) {
  return with_tensor("aclGetViewOffset", tensor, offset, "offset", [&](const Tensor& t) { *offset = t.offset; });
}

aclnnStatus aclGetFormat(const aclTensor* tensor, aclFormat* format) {
  return with_tensor("aclGetFormat", tensor, format, "format", [&](const Tensor& t) { *format = t.format; });
}

aclnnStatus aclGetDataType(const aclTensor* tensor, aclDataType* dataType) {
  return with_tensor("aclGetDataType", tensor, dataType, "dataType", [&](const Tensor& t) { *dataType = t.dtype; });
}

aclnnStatus aclSetRawTensorAddr(aclTensor* tensor, void* addr) {
  return with_tensor("aclSetRawTensorAddr", tensor, tensor, "tensor", [&](Tensor& t) { t.data = addr; });
}

aclnnStatus aclGetRawTensorAddr(const aclTensor* tensor, void** addr) {
  return with_tensor("aclGetRawTensorAddr", tensor, addr, "addr", [&](const Tensor& t) { *addr = t.data; });
}

}  // extern "C"
