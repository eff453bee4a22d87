// AddLayerNormGrad through aclnn. Compiles unmodified against CANN and against alng's stand-in for it:
//
//   g++ test_aclnn_add_layer_norm_grad.cpp -I include/alng-cann -L lib/alng-cann -lopapi_nn -lascendcl -lnnopbase
//
// Prints every tensor, one to a line: its name, its shape, its elements.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "acl/acl.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"

namespace {

using Shape = std::vector<int64_t>;

int64_t elements_of(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

bool failed(int code, const char* call) {
  if (code == 0) return false;
  const char* const why = aclGetRecentErrMsg();
  std::printf("%s failed with %d: %s\n", call, code, why != nullptr ? why : "no reason given");
  return true;
}

// A dense float tensor in device memory. unique_ptr calls what CANN wants called.
struct DeviceTensor {
  std::string name;
  Shape shape;
  std::unique_ptr<void, aclError (*)(void*)> memory{nullptr, aclrtFree};
  std::unique_ptr<aclTensor, aclnnStatus (*)(const aclTensor*)> tensor{nullptr, aclDestroyTensor};

  size_t bytes() const { return static_cast<size_t>(elements_of(shape)) * sizeof(float); }
};

bool create(DeviceTensor& out, const char* name, const Shape& shape, const std::vector<float>& values) {
  out.name = name;
  out.shape = shape;
  void* memory = nullptr;
  if (failed(aclrtMalloc(&memory, out.bytes(), ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc")) return false;
  out.memory.reset(memory);
  if (failed(aclrtMemcpy(memory, out.bytes(), values.data(), out.bytes(), ACL_MEMCPY_HOST_TO_DEVICE), "aclrtMemcpy")) {
    return false;
  }
  out.tensor.reset(aclCreateTensor(shape.data(), shape.size(), ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, shape.data(),
                                   shape.size(), memory));
  return out.tensor != nullptr;
}

bool print(const DeviceTensor& tensor) {
  std::vector<float> values(static_cast<size_t>(elements_of(tensor.shape)));
  if (failed(aclrtMemcpy(values.data(), tensor.bytes(), tensor.memory.get(), tensor.bytes(), ACL_MEMCPY_DEVICE_TO_HOST),
             "aclrtMemcpy")) {
    return false;
  }
  std::printf("%s [", tensor.name.c_str());
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    std::printf("%s%lld", d > 0 ? ", " : "", static_cast<long long>(tensor.shape[d]));
  }
  std::printf("]");
  for (const float value : values) std::printf(" %.9g", static_cast<double>(value));
  std::printf("\n");
  return true;
}

int add_layer_norm_grad(aclrtStream stream) {
  // 3 rows of 4 columns.
  const Shape full = {3, 1, 4}, statistic = {3, 1, 1}, columns = {4};
  const std::vector<float> dy = {0.5F, -1, 2, 0.25F, 1, 1, -1, -2, 0.125F, 3, -0.5F, 1};
  const std::vector<float> x1 = {1, 2, 3, 4, -1, 0.5F, 2, 8, 0.25F, -3, 5, 1};
  const std::vector<float> x2 = {0.5F, 0.5F, -1, 1, 2, -2, 1, -1, 3, 1, -4, 0.5F};
  const std::vector<float> gamma = {1, 0.5F, 2, -1};
  const std::vector<float> dsum = {0.1F, 0.2F, 0.3F, 0.4F, -0.1F, -0.2F, -0.3F, -0.4F, 1, 2, 3, 4};
  // What the forward pass hands over: mean of a row of x1 + x2, and 1 / its standard deviation.
  std::vector<float> mean, rstd;
  for (size_t row = 0; row < 3; ++row) {
    double sum = 0, squares = 0;
    for (size_t j = 4 * row; j < 4 * row + 4; ++j) sum += static_cast<double>(x1[j] + x2[j]);
    for (size_t j = 4 * row; j < 4 * row + 4; ++j) {
      const double centred = static_cast<double>(x1[j] + x2[j]) - sum / 4;
      squares += centred * centred;
    }
    mean.push_back(static_cast<float>(sum / 4));
    rstd.push_back(static_cast<float>(1 / std::sqrt(squares / 4 + 1e-5)));
  }

  DeviceTensor t[10];
  const std::vector<float> zeros(12);
  if (!create(t[0], "dy", full, dy) || !create(t[1], "x1", full, x1) || !create(t[2], "x2", full, x2) ||
      !create(t[3], "rstd", statistic, rstd) || !create(t[4], "mean", statistic, mean) ||
      !create(t[5], "gamma", columns, gamma) || !create(t[6], "dsum", full, dsum) || !create(t[7], "dx", full, zeros) ||
      !create(t[8], "dgamma", columns, zeros) || !create(t[9], "dbeta", columns, zeros)) {
    return 1;
  }

  // First phase: how much workspace, and an executor. rstd comes before mean.
  uint64_t workspace_size = 0;
  aclOpExecutor* executor = nullptr;
  if (failed(aclnnAddLayerNormGradGetWorkspaceSize(t[0].tensor.get(), t[1].tensor.get(), t[2].tensor.get(),
                                                   t[3].tensor.get(), t[4].tensor.get(), t[5].tensor.get(),
                                                   t[6].tensor.get(), t[7].tensor.get(), t[8].tensor.get(),
                                                   t[9].tensor.get(), &workspace_size, &executor),
             "aclnnAddLayerNormGradGetWorkspaceSize")) {
    return 1;
  }
  std::unique_ptr<void, aclError (*)(void*)> workspace(nullptr, aclrtFree);
  if (workspace_size > 0) {
    void* memory = nullptr;
    if (failed(aclrtMalloc(&memory, workspace_size, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc")) return 1;
    workspace.reset(memory);
  }

  // Second phase: into the stream; then wait for it.
  if (failed(aclnnAddLayerNormGrad(workspace.get(), workspace_size, executor, stream), "aclnnAddLayerNormGrad") ||
      failed(aclrtSynchronizeStream(stream), "aclrtSynchronizeStream")) {
    return 1;
  }
  for (const DeviceTensor& tensor : t) {
    if (!print(tensor)) return 1;
  }
  return 0;
}

}  // namespace

int main() {
  const int32_t device = 0;
  if (failed(aclInit(nullptr), "aclInit") || failed(aclrtSetDevice(device), "aclrtSetDevice")) return 1;
  aclrtStream stream = nullptr;
  if (failed(aclrtCreateStream(&stream), "aclrtCreateStream")) return 1;
  int result = add_layer_norm_grad(stream);
  if (failed(aclrtDestroyStream(stream), "aclrtDestroyStream")) result = 1;
  if (failed(aclrtResetDevice(device), "aclrtResetDevice")) result = 1;
  if (failed(aclFinalize(), "aclFinalize")) result = 1;
  return result;
}
