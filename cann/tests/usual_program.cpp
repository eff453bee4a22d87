// A program as most aclnn programs are, warts and all: raw pointers, integers put into float tensors, one clean-up at
// the end, the device reset before acl is finalised. It must compile with plain g++ and run to 0.
#include <cstdint>
#include <iostream>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"

namespace {

using Shape = std::vector<int64_t>;

size_t bytes_of(const Shape& shape) {
  size_t count = sizeof(float);
  for (auto extent : shape) count *= static_cast<size_t>(extent);
  return count;
}

int stopped(const char* where, int code) {
  std::cout << where << " gave " << code << std::endl;
  return code;
}

void print(const char* name, const Shape& shape, const void* address) {
  std::vector<float> values(bytes_of(shape) / sizeof(float));
  auto code = aclrtMemcpy(values.data(), bytes_of(shape), address, bytes_of(shape), ACL_MEMCPY_DEVICE_TO_HOST);
  if (code != ACL_SUCCESS) stopped("aclrtMemcpy", code);
  for (size_t i = 0; i < values.size(); i++) std::cout << name << "[" << i << "]: " << values[i] << std::endl;
}

}  // namespace

int main() {
  aclrtStream stream;
  int code = aclInit(nullptr);
  if (code != 0) return stopped("aclInit", code);
  code = aclrtSetDevice(0);
  if (code != 0) return stopped("aclrtSetDevice", code);
  code = aclrtCreateStream(&stream);
  if (code != 0) return stopped("aclrtCreateStream", code);

  const Shape full = {3, 1, 4}, statistic = {3, 1, 1}, columns = {4};
  const Shape shapes[10] = {full, full, full, statistic, statistic, columns, full, full, columns, columns};
  void* memory[10];
  aclTensor* tensor[10];
  for (int i = 0; i < 10; i++) {
    const Shape& shape = shapes[i];
    std::vector<int32_t> counting(bytes_of(shape) / sizeof(int32_t));
    for (size_t k = 0; k < counting.size(); k++) counting[k] = static_cast<int32_t>(k);
    code = aclrtMalloc(&memory[i], bytes_of(shape), ACL_MEM_MALLOC_HUGE_FIRST);
    if (code != 0) return stopped("aclrtMalloc", code);
    code = aclrtMemcpy(memory[i], bytes_of(shape), counting.data(), bytes_of(shape), ACL_MEMCPY_HOST_TO_DEVICE);
    if (code != 0) return stopped("aclrtMemcpy", code);
    Shape strides(shape.size(), 1);
    for (size_t d = shape.size() - 1; d > 0; d--) strides[d - 1] = strides[d] * shape[d];
    tensor[i] = aclCreateTensor(shape.data(), shape.size(), ACL_FLOAT, strides.data(), 0, ACL_FORMAT_ND, shape.data(),
                                shape.size(), memory[i]);
  }

  uint64_t workspace_size = 0;
  aclOpExecutor* executor;
  code = aclnnAddLayerNormGradGetWorkspaceSize(tensor[0], tensor[1], tensor[2], tensor[3], tensor[4], tensor[5],
                                               tensor[6], tensor[7], tensor[8], tensor[9], &workspace_size, &executor);
  if (code != 0) return stopped("aclnnAddLayerNormGradGetWorkspaceSize", code);
  void* workspace = nullptr;
  if (workspace_size > 0) {
    code = aclrtMalloc(&workspace, workspace_size, ACL_MEM_MALLOC_HUGE_FIRST);
    if (code != 0) return stopped("aclrtMalloc", code);
  }
  code = aclnnAddLayerNormGrad(workspace, workspace_size, executor, stream);
  if (code != 0) return stopped("aclnnAddLayerNormGrad", code);
  code = aclrtSynchronizeStream(stream);
  if (code != 0) return stopped("aclrtSynchronizeStream", code);
  print("dx", full, memory[7]);
  print("dgamma", columns, memory[8]);
  print("dbeta", columns, memory[9]);

  for (int i = 0; i < 10; i++) {
    code = aclDestroyTensor(tensor[i]);
    if (code != 0) return stopped("aclDestroyTensor", code);
    code = aclrtFree(memory[i]);
    if (code != 0) return stopped("aclrtFree", code);
  }
  if (workspace_size > 0) aclrtFree(workspace);
  code = aclrtDestroyStream(stream);
  if (code != 0) return stopped("aclrtDestroyStream", code);
  code = aclrtResetDevice(0);
  if (code != 0) return stopped("aclrtResetDevice", code);
  return aclFinalize();
}
