// aclOpExecutor: what the first phase makes and the second runs.
#ifndef ALNG_CANN_ACLNN_EXECUTOR_H
#define ALNG_CANN_ACLNN_EXECUTOR_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "aclnn/tensor.h"
#include "alng/alng.hpp"
#include "runtime/answer.h"
#include "runtime/registry.h"

namespace alng::cann {

/// The parameters' names, in the order of `grad::operands`, which is theirs too.
inline constexpr std::array<const char*, grad::count> parameter_names = {
    "dy", "x1", "x2", "rstd", "mean", "gamma", "dsumOptional", "dxOut", "dgammaOut", "dbetaOut"};

/// Where a tensor of an executor is.
struct ExecutorTensor {
  /// Not given: null in the first phase.
  bool present = false;
  TensorLayout layout;
  /// Of the element whose indices are all 0.
  std::byte* address = nullptr;
  /// From that one to behind the last; 0: no elements.
  std::size_t bytes = 0;
};

struct Executor {
  /// Nothing where there is nothing to compute.
  std::optional<GradPlan> plan;
  int device = 0;
  std::size_t workspace_size = 0;

  /// Guards what follows: calls about one executor may come from several threads.
  std::mutex mutex;
  bool repeatable = false;
  std::array<ExecutorTensor, grad::count> tensors;
};

Registry<Executor>& executors();

/// The executor of a handle; 561103 of null, 161002 of anything else that is none.
Answer find_executor(const char* function, const aclOpExecutor* handle, std::shared_ptr<Executor>& executor);
Answer no_executor(const char* function);

}  // namespace alng::cann

#endif
