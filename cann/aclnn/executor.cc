#include "aclnn/executor.h"

#include <string>

#include "aclnn/status_codes.h"
#include "runtime/leaks.h"

namespace alng::cann {
namespace {

// `first`, `last`: the parameters that are counted.
aclnnStatus set_address(const char* function, aclOpExecutor* handle, std::size_t index, aclTensor* tensor_handle,
                        void* address, std::size_t first, std::size_t last) {
  return guarded_aclnn([&]() -> Answer {
    std::shared_ptr<Executor> executor;
    if (Answer answer = find_executor(function, handle, executor); !answer.ok()) return answer;
    if (tensor_handle == nullptr) return null_object(function, "tensor");
    if (address == nullptr) return null_object(function, "addr");
    const std::shared_ptr<Tensor> tensor = tensors().find(tensor_handle);
    if (tensor == nullptr) return no_tensor(function, "tensor");
    const std::lock_guard lock(executor->mutex);
    std::size_t present = 0;
    for (std::size_t i = first; i < last; ++i) {
      ExecutorTensor& operand = executor->tensors[i];
      if (!operand.present || present++ != index) continue;
      if (tensor->shape.size() > max_rank || dtype_of(tensor->dtype) != operand.layout.dtype ||
          tensor->layout() != operand.layout) {
        return invalid_parameter(std::string(function) + ": tensor is not like " + parameter_names[i] + ", number " +
                                 std::to_string(index) + " of the executor, which is " + to_string(operand.layout));
      }
      std::byte* moved_to = nullptr;
      Answer answer = tensor->find_first(function, "tensor", operand.bytes, address, moved_to);
      if (answer.ok()) operand.address = moved_to;
      return answer;
    }
    return invalid_parameter(
        wrong_number(function, "index", index,
                     "less than " + std::to_string(present) + ", the number of tensors that the executor has there"));
  });
}

aclnnStatus set_dynamic_address(const char* function, aclOpExecutor* handle, const aclTensorList* list,
                                const void* address) {
  return guarded_aclnn([&]() -> Answer {
    std::shared_ptr<Executor> executor;
    if (Answer answer = find_executor(function, handle, executor); !answer.ok()) return answer;
    if (list == nullptr) return null_object(function, "tensors");
    if (address == nullptr) return null_object(function, "addr");
    return invalid_parameter(std::string(function) + ": AddLayerNormGrad has no parameter that is a list of tensors");
  });
}

}  // namespace

Answer find_executor(const char* function, const aclOpExecutor* handle, std::shared_ptr<Executor>& executor) {
  if (handle == nullptr) return null_object(function, "executor");
  executor = executors().find(handle);
  return executor != nullptr ? Answer{} : no_executor(function);
}

Answer no_executor(const char* function) {
  return invalid_parameter(std::string(function) +
                           ": executor is none of the first phase, was used up by the second, or is destroyed");
}

Registry<Executor>& executors() {
  static Registry<Executor>& all = []() -> Registry<Executor>& {
    add_leak_count([] { return executors().size(); }, "executors");
    return *new Registry<Executor>(0x58);
  }();
  return all;
}

}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclnnStatus aclSetAclOpExecutorRepeatable(aclOpExecutor* executor) {
  return guarded_aclnn([&]() -> Answer {
    std::shared_ptr<Executor> found;
    if (Answer answer = find_executor("aclSetAclOpExecutorRepeatable", executor, found); !answer.ok()) return answer;
    const std::lock_guard lock(found->mutex);
    found->repeatable = true;
    return {};
  });
}

aclnnStatus aclDestroyAclOpExecutor(aclOpExecutor* executor) {
  return guarded_aclnn([&]() -> Answer {
    std::shared_ptr<Executor> found;
    if (Answer answer = find_executor("aclDestroyAclOpExecutor", executor, found); !answer.ok()) return answer;
    executors().remove(executor);
    return {};
  });
}

aclnnStatus aclSetTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) {
  return set_address("aclSetTensorAddr", executor, index, tensor, addr, 0, alng::grad::count);
}

aclnnStatus aclSetInputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) {
  return set_address("aclSetInputTensorAddr", executor, index, tensor, addr, 0, alng::grad::dx);
}

aclnnStatus aclSetOutputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) {
  return set_address("aclSetOutputTensorAddr", executor, index, tensor, addr, alng::grad::dx, alng::grad::count);
}

aclnnStatus aclSetDynamicTensorAddr(aclOpExecutor* executor, size_t, const size_t, aclTensorList* tensors, void* addr) {
  return set_dynamic_address("aclSetDynamicTensorAddr", executor, tensors, addr);
}

aclnnStatus aclSetDynamicInputTensorAddr(aclOpExecutor* executor, size_t, const size_t, aclTensorList* tensors,
                                         void* addr) {
  return set_dynamic_address("aclSetDynamicInputTensorAddr", executor, tensors, addr);
}

aclnnStatus aclSetDynamicOutputTensorAddr(aclOpExecutor* executor, size_t, const size_t, aclTensorList* tensors,
                                          void* addr) {
  return set_dynamic_address("aclSetDynamicOutputTensorAddr", executor, tensors, addr);
}

// The other spelling. What they refuse names the one above.
decltype(aclSetTensorAddr) AclSetTensorAddr __attribute__((alias("aclSetTensorAddr")));
decltype(aclSetInputTensorAddr) AclSetInputTensorAddr __attribute__((alias("aclSetInputTensorAddr")));
decltype(aclSetOutputTensorAddr) AclSetOutputTensorAddr __attribute__((alias("aclSetOutputTensorAddr")));
decltype(aclSetDynamicTensorAddr) AclSetDynamicTensorAddr __attribute__((alias("aclSetDynamicTensorAddr")));
decltype(aclSetDynamicInputTensorAddr) AclSetDynamicInputTensorAddr
    __attribute__((alias("aclSetDynamicInputTensorAddr")));
decltype(aclSetDynamicOutputTensorAddr) AclSetDynamicOutputTensorAddr
    __attribute__((alias("aclSetDynamicOutputTensorAddr")));

}  // extern "C"
