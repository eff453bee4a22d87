#include "measuring/door.h"

#include "terminal/failure.h"

#ifndef ALNG_HAS_CANN

namespace alng::cli {

void bench_door(const std::vector<BenchShape>&, const BenchOptions&, bool) {
  throw Failure("--door aclnn: this alng was built without CANN's stand-in (ALNG_BUILD_CANN)");
}

}  // namespace alng::cli

#else

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>

#include "acl/acl.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"
#include "judge/computation.h"
#include "terminal/report.h"

namespace alng::cli {
namespace {

using Clock = std::chrono::steady_clock;

void check(int code, const char* call) {
  if (code == 0) return;
  const char* const why = aclGetRecentErrMsg();
  throw Failure(fmt::format("{} failed with {}: {}", call, code, why != nullptr ? why : "no reason given"));
}

aclDataType acl_dtype(DType dtype) {
  return dtype == DType::float32 ? ACL_FLOAT : dtype == DType::float16 ? ACL_FLOAT16 : ACL_BF16;
}

using TensorPointer = std::unique_ptr<aclTensor, aclnnStatus (*)(const aclTensor*)>;
using MemoryPointer = std::unique_ptr<void, aclError (*)(void*)>;

MemoryPointer allocate(std::size_t size) {
  void* memory = nullptr;
  check(aclrtMalloc(&memory, size, ACL_MEM_MALLOC_HUGE_FIRST), "aclrtMalloc");
  return {memory, aclrtFree};
}

/// Sets the device for this thread and makes a stream on it.
class Device {
 public:
  Device() {
    check(aclInit(nullptr), "aclInit");
    check(aclrtSetDevice(0), "aclrtSetDevice");
    check(aclrtCreateStream(&stream_), "aclrtCreateStream");
  }
  ~Device() {
    aclrtResetDeviceForce(0);
    aclFinalize();
  }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  aclrtStream stream() const { return stream_; }

 private:
  aclrtStream stream_ = nullptr;
};

/// The problem's tensors on the device, with the numbers that the C++ run has.
class DeviceProblem {
 public:
  DeviceProblem(const GradProblem& problem, const GradArguments& host) {
    const GradDescription& d = problem.description();
    add(&d.dy, host.dy);
    add(&d.x1, host.x1);
    add(&*d.x2, host.x2);
    add(&d.rstd, host.rstd);
    add(&d.mean, host.mean);
    add(d.gamma ? &*d.gamma : nullptr, host.gamma);
    add(d.dsum ? &*d.dsum : nullptr, host.dsum);
    add(&*d.dx, host.dx);
    add(&*d.dgamma, host.dgamma);
    add(&*d.dbeta, host.dbeta);
  }

  /// Both phases and the wait.
  void run(aclrtStream stream) {
    std::uint64_t needed = 0;
    aclOpExecutor* executor = nullptr;
    check(aclnnAddLayerNormGradGetWorkspaceSize(tensor(0), tensor(1), tensor(2), tensor(3), tensor(4), tensor(5),
                                                tensor(6), tensor(7), tensor(8), tensor(9), &needed, &executor),
          "aclnnAddLayerNormGradGetWorkspaceSize");
    if (needed > workspace_size_) {
      workspace_ = allocate(needed);
      workspace_size_ = needed;
    }
    check(aclnnAddLayerNormGrad(workspace_.get(), workspace_size_, executor, stream), "aclnnAddLayerNormGrad");
    check(aclrtSynchronizeStream(stream), "aclrtSynchronizeStream");
  }

  /// Whether an output holds these bytes.
  bool holds(std::size_t place, const void* bytes) const {
    std::vector<std::byte> copy(sizes_[place]);
    check(aclrtMemcpy(copy.data(), copy.size(), memory_[place].get(), copy.size(), ACL_MEMCPY_DEVICE_TO_HOST),
          "aclrtMemcpy");
    return std::memcmp(copy.data(), bytes, copy.size()) == 0;
  }

 private:
  aclTensor* tensor(std::size_t place) const { return tensors_[place].get(); }

  // Dense, as all tensors of the benchmark are.
  void add(const TensorLayout* layout, const void* from) {
    tensors_.emplace_back(nullptr, aclDestroyTensor);
    memory_.emplace_back(nullptr, aclrtFree);
    sizes_.push_back(0);
    if (layout == nullptr) return;
    std::size_t& size = sizes_.back();
    size = dtype_size(layout->dtype);
    for (int i = 0; i < layout->rank; ++i) size *= static_cast<std::size_t>(layout->shape[static_cast<std::size_t>(i)]);
    memory_.back() = allocate(size);
    check(aclrtMemcpy(memory_.back().get(), size, from, size, ACL_MEMCPY_HOST_TO_DEVICE), "aclrtMemcpy");
    tensors_.back().reset(aclCreateTensor(layout->shape.data(), static_cast<std::uint64_t>(layout->rank),
                                          acl_dtype(layout->dtype), layout->strides.data(), 0, ACL_FORMAT_ND,
                                          layout->shape.data(), static_cast<std::uint64_t>(layout->rank),
                                          memory_.back().get()));
  }

  std::vector<MemoryPointer> memory_;
  std::vector<TensorPointer> tensors_;
  std::vector<std::size_t> sizes_;
  MemoryPointer workspace_{nullptr, aclrtFree};
  std::size_t workspace_size_ = 0;
};

struct DoorResult {
  BenchShape shape;
  std::size_t calls = 0;
  // Microseconds. `extra`: of a call through the door beside the run just before it.
  double run = 0, door = 0, extra = 0;
};

template <class Call>
double microseconds(Call&& call) {
  const Clock::time_point start = Clock::now();
  call();
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

DoorResult measure_door(const BenchShape& shape, const BenchOptions& options, const Device& device) {
  const GradProblem problem = bench_problem<Grad>(shape);
  const GradPlan plan = or_fail(GradPlan::create(problem, options.plan));
  const BenchArrays<Grad> arrays(problem);
  GradArguments arguments = arrays.arguments();
  std::vector<std::byte> workspace(plan.workspace_size());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  DeviceProblem on_device(problem, arguments);
  const auto run = [&] { or_fail(plan.run(arguments)); };
  const auto door = [&] { on_device.run(device.stream()); };

  run();
  door();
  if (!on_device.holds(7, arguments.dx) || !on_device.holds(8, arguments.dgamma) ||
      !on_device.holds(9, arguments.dbeta)) {
    throw Failure("the aclnn door gives other bits than the C++ run");
  }
  std::vector<double> run_times, door_times, extra;
  constexpr std::size_t fewest = 1000;
  const Clock::time_point begin = Clock::now();
  const auto more = [&] {
    if (options.repeats > 0) return run_times.size() < static_cast<std::size_t>(options.repeats);
    return run_times.size() < fewest || Clock::now() - begin < std::chrono::duration<double>(options.seconds);
  };
  while (more()) {
    run_times.push_back(microseconds(run));
    door_times.push_back(microseconds(door));
    extra.push_back(door_times.back() - run_times.back());
  }
  return {shape, run_times.size(), quartiles(run_times).median, quartiles(door_times).median, quartiles(extra).median};
}

}  // namespace

void bench_door(const std::vector<BenchShape>& shapes, const BenchOptions& options, bool json) {
  const Device device;
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  if (!json) {
    fmt::print(
        "Medians of calls that take turns, in microseconds: the C++ run alone; through aclnn, both phases and\n"
        "aclrtSynchronizeStream; and what a call through aclnn takes more than the run before it.\n\n"
        "{:<16} {:<9} {:>9} {:>9} {:>9}\n",
        "shape", "dtype", "run", "aclnn", "more");
  }
  for (const BenchShape& shape : shapes) {
    const DoorResult result = measure_door(shape, options, device);
    if (json) {
      results.push_back({{"rows", shape.rows},
                         {"columns", shape.columns},
                         {"dtype", dtype_name(shape.dtype)},
                         {"door", "aclnn"},
                         {"run_us", result.run},
                         {"door_us", result.door},
                         {"extra_us", result.extra},
                         {"calls", result.calls}});
    } else {
      fmt::print("{:<16} {:<9} {:>9.2f} {:>9.2f} {:>9.2f}\n", fmt::format("{}x{}", shape.rows, shape.columns),
                 dtype_name(shape.dtype), result.run, result.door, result.extra);
    }
  }
  if (json) print_json({{"results", results}});
}

}  // namespace alng::cli

#endif
