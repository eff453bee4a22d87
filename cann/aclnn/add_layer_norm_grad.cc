// The operator's two phases: from tensors to an executor, and from an executor to work in a stream.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "aclnn/executor.h"
#include "aclnn/registered_types.h"
#include "aclnn/status_codes.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"
#include "operator/plan_cache.h"
#include "operator/rules.h"
#include "runtime/device.h"
#include "runtime/memory.h"

namespace alng::cann {
namespace {

constexpr const char* phase_1 = "aclnnAddLayerNormGradGetWorkspaceSize";
constexpr const char* phase_2 = "aclnnAddLayerNormGrad";

using Tensors = std::shared_ptr<Tensor>[grad::count];

GradDescription describe(const Tensors& tensors) {
  GradDescription d;
  for (std::size_t i = 0; i < grad::count; ++i) {
    if (tensors[i] != nullptr) give_layout(d, i, tensors[i]->layout());
  }
  return d;
}

// The layout is one that a Problem accepts: this fits in 63 bits, unless there are no elements.
std::size_t bytes_of(const TensorLayout& layout) {
  const std::int64_t* const end = layout.shape.data() + layout.rank;
  if (std::find(layout.shape.data(), end, 0) != end) return 0;
  std::int64_t last = 0;
  for (int d = 0; d < layout.rank; ++d) {
    const auto i = static_cast<std::size_t>(d);
    last += (layout.shape[i] - 1) * layout.strides[i];
  }
  return (static_cast<std::size_t>(last) + 1) * dtype_size(layout.dtype);
}

Answer prepare(const aclTensor* const (&given)[grad::count], std::uint64_t* workspace_size, aclOpExecutor** handle) {
  for (std::size_t i = 0; i < grad::count; ++i) {
    if (given[i] == nullptr && is_required(i)) return null_parameter(phase_1, parameter_names[i]);
  }
  if (workspace_size == nullptr) return null_parameter(phase_1, "workspaceSize");
  if (handle == nullptr) return null_parameter(phase_1, "executor");

  const void* handles[grad::count];
  std::copy(std::begin(given), std::end(given), std::begin(handles));
  Tensors found;
  tensors().find(handles, found);
  for (std::size_t i = 0; i < grad::count; ++i) {
    if (given[i] == nullptr || found[i] != nullptr) continue;
    return no_tensor(phase_1, parameter_names[i]);
  }
  if (Answer answer = check_types(phase_1, found); !answer.ok()) return answer;

  // Shapes are judged before the runtime is asked for a device, so on the first one where this thread has none.
  std::shared_ptr<Context> context;
  Answer no_context = current_context(phase_1, context);
  const int device = context == nullptr ? 0 : context->device();
  const GradDescription description = describe(found);
  Result<GradPlan> plan = plan_for(description, device);
  if (!plan) return from_status(phase_1, plan.status());
  if (!no_context.ok()) return runtime_failed(std::move(no_context));

  auto executor = std::make_shared<Executor>();
  executor->device = device;
  if (plan->problem().columns() > 0) {
    executor->workspace_size = plan->workspace_size();
    executor->plan = std::move(plan).value();
  }
  for (std::size_t i = 0; i < grad::count; ++i) {
    if (found[i] == nullptr) continue;
    ExecutorTensor& operand = executor->tensors[i];
    operand.present = true;
    operand.layout = found[i]->layout();
    operand.bytes = bytes_of(operand.layout);
    if (Answer answer =
            found[i]->find_first(phase_1, parameter_names[i], operand.bytes, found[i]->data, operand.address);
        !answer.ok()) {
      return answer;
    }
  }
  *workspace_size = executor->workspace_size;
  *handle = static_cast<aclOpExecutor*>(executors().add(std::move(executor)));
  return {};
}

class Launch final : public Work {
 public:
  Launch(const Executor& executor, void* workspace, std::size_t workspace_size)
      : plan_(*executor.plan), device_(executor.device), workspace_(workspace), workspace_size_(workspace_size) {
    for (std::size_t i = 0; i < grad::count; ++i) {
      address_[i] = executor.tensors[i].present ? executor.tensors[i].address : nullptr;
      bytes_[i] = executor.tensors[i].bytes;
    }
  }

  Answer run() override {
    // Held while it runs, so that memory freed meanwhile is still there.
    std::shared_ptr<Block> held[grad::count + 1];
    for (std::size_t i = 0; i < grad::count; ++i) {
      if (bytes_[i] == 0) continue;
      held[i] = memory().holding(address_[i], bytes_[i], device_);
      if (held[i] == nullptr) return fault(parameter_names[i], address_[i], bytes_[i]);
    }
    if (workspace_size_ > 0) {
      held[grad::count] = memory().holding(workspace_, workspace_size_, device_);
      if (held[grad::count] == nullptr) return fault("workspace", workspace_, workspace_size_);
    }
    GradArguments a;
    for (std::size_t i = 0; i < grad::count; ++i) give_pointer(a, i, address_[i]);
    a.workspace = workspace_;
    a.workspace_size = workspace_size_;
    const Status status = plan_.run(a);
    if (status.ok()) return {};
    return {ACL_ERROR_RT_AICORE_EXCEPTION, Kind::inner,
            "AddLayerNormGrad: " + with_names_of_parameters(status.message())};
  }

 private:
  static Answer fault(const char* name, const void* address, std::size_t bytes) {
    return {ACL_ERROR_RT_AICORE_EXCEPTION, Kind::inner,
            std::string("AddLayerNormGrad: ") + name + " " + memory().words(address) + ", but all " +
                std::to_string(bytes) + " bytes must be memory of the device"};
  }

  GradPlan plan_;
  int device_;
  std::array<std::byte*, grad::count> address_;
  std::array<std::size_t, grad::count> bytes_;
  void* workspace_;
  std::size_t workspace_size_;
};

Answer launch(void* workspace, std::uint64_t workspace_size, aclOpExecutor* handle, aclrtStream stream_handle) {
  if (handle == nullptr) return null_parameter(phase_2, "executor");
  if (workspace_size > 0 && workspace == nullptr) return null_parameter(phase_2, "workspace");
  std::shared_ptr<Executor> executor;
  if (Answer answer = find_executor(phase_2, handle, executor); !answer.ok()) return answer;
  if (workspace_size < executor->workspace_size) {
    return invalid_parameter(
        wrong_number(phase_2, "workspaceSize", workspace_size, "at least " + std::to_string(executor->workspace_size)));
  }
  std::shared_ptr<Stream> stream;
  if (Answer answer = find_stream(phase_2, stream_handle, stream); !answer.ok()) {
    return runtime_failed(std::move(answer));
  }
  std::unique_ptr<Launch> work;
  {
    const std::lock_guard lock(executor->mutex);
    for (std::size_t i = 0; i < grad::count; ++i) {
      const ExecutorTensor& operand = executor->tensors[i];
      if (operand.present && operand.bytes > 0 && operand.address == nullptr && executor->plan) {
        return null_parameter(phase_2, (std::string("the memory of ") + parameter_names[i]).c_str());
      }
    }
    if (executor->plan) {
      work = std::make_unique<Launch>(*executor, executor->workspace_size > 0 ? workspace : nullptr,
                                      executor->workspace_size);
    }
    // Of several threads that run it at once, one uses it up.
    if (!executor->repeatable && executors().remove(handle) == nullptr) return no_executor(phase_2);
  }
  if (work == nullptr || stream->submit(std::move(work))) return {};
  return runtime_failed(no_stream(phase_2));
}

}  // namespace
}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclnnStatus aclnnAddLayerNormGradGetWorkspaceSize(const aclTensor* dy, const aclTensor* x1, const aclTensor* x2,
                                                  const aclTensor* rstd, const aclTensor* mean, const aclTensor* gamma,
                                                  const aclTensor* dsumOptional, const aclTensor* dxOut,
                                                  const aclTensor* dgammaOut, const aclTensor* dbetaOut,
                                                  uint64_t* workspaceSize, aclOpExecutor** executor) {
  return guarded_aclnn([&] {
    return prepare({dy, x1, x2, rstd, mean, gamma, dsumOptional, dxOut, dgammaOut, dbetaOut}, workspaceSize, executor);
  });
}

aclnnStatus aclnnAddLayerNormGrad(void* workspace, uint64_t workspaceSize, aclOpExecutor* executor,
                                  aclrtStream stream) {
  return guarded_aclnn([&] { return launch(workspace, workspaceSize, executor, stream); });
}

}  // extern "C"
