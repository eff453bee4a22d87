#include "cuda_door/fake_cuda.h"

#include <cuda_runtime_api.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "cuda_door/fake_gpus.h"

struct FakeStream {
  int gpu = 0;
};
struct FakeEvent {
  /// Work that is still to be done may hold it when the event is gone.
  std::shared_ptr<std::chrono::steady_clock::time_point> happened =
      std::make_shared<std::chrono::steady_clock::time_point>();
};

namespace alng::test {
namespace {

// What an H200 has.
constexpr int multiprocessors = 132, shared_per_block = 232448, shared_per_multiprocessor = 233472;
constexpr int shared_without_asking = 49152;

thread_local int current_gpu = 0;
thread_local cudaError_t last = cudaSuccess;
thread_local cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;

struct Work {
  std::function<cudaError_t()> run;
  bool is_launch = false;
  bool early = false;
  unsigned cluster = 1;
};

class Gpus final : public FakeCuda {
 public:
  Gpus() {
    // "2" or "2,80": how many, and of which architecture.
    const char* const asked_for = std::getenv("ALNG_FAKE_GPUS");
    if (asked_for == nullptr) return;
    count_ = std::atoi(asked_for);
    if (const char* const comma = std::strchr(asked_for, ',')) architecture_ = std::atoi(comma + 1);
    if (count_ == 0) driver_ = 0;
  }

  void reset(int gpus, int architecture) override {
    const std::lock_guard lock(mutex_);
    count_ = gpus;
    architecture_ = architecture;
    driver_ = runtime_version;
    failures_.clear();
    calls_.clear();
    waiting_.clear();
    captured_.clear();
    capturing_ = nullptr;
    sticky_ = cudaSuccess;
    loaded_.clear();
    limits_.clear();
    clusters_ = -1;
    current_gpu = 0;
    last = cudaSuccess;
  }
  void set_clusters(int clusters) override { clusters_ = clusters; }
  void set_driver(int version) override { driver_ = version; }
  void fail(const std::string& call, int error, int after) override {
    const std::lock_guard lock(mutex_);
    failures_[call] = {after, static_cast<cudaError_t>(error)};
  }
  std::vector<std::string> take_calls() override {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_, {});
  }
  int last_error() const override { return last; }
  int current() const override { return current_gpu; }
  void set_current(int gpu) override { current_gpu = gpu; }
  void* make_stream(int gpu) override {
    const std::lock_guard lock(mutex_);
    return streams_.emplace_back(std::make_unique<FakeStream>(FakeStream{gpu})).get();
  }
  void destroy_stream(void* stream) override {
    const std::lock_guard lock(mutex_);
    run(static_cast<cudaStream_t>(stream));
    std::erase_if(streams_, [&](const auto& one) { return one.get() == stream; });
  }
  int waiting(void* stream) const override {
    return count(stream, [](const Work& work) { return work.is_launch; });
  }
  int waiting_early(void* stream) const override {
    return count(stream, [](const Work& work) { return work.early; });
  }
  int waiting_in_clusters(void* stream) const override {
    return count(stream, [](const Work& work) { return work.cluster == 2; });
  }
  void wait_for_all() override {
    const std::lock_guard lock(mutex_);
    run_all();
  }
  void begin_capture(void* stream) override {
    const std::lock_guard lock(mutex_);
    capturing_ = static_cast<cudaStream_t>(stream);
    capture_failed_ = false;
    captured_.clear();
  }
  int end_capture() override {
    const std::lock_guard lock(mutex_);
    capturing_ = nullptr;
    return capture_failed_ ? -1 : static_cast<int>(captured_.size());
  }
  void replay(void* stream) override {
    const std::lock_guard lock(mutex_);
    auto& queue = waiting_[static_cast<cudaStream_t>(stream)];
    queue.insert(queue.end(), captured_.begin(), captured_.end());
  }
  // Held over a fork, so that the child does not find it locked.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

  int allocations() const override {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(allocated_.size());
  }

  /// A call of the runtime's: told to the log, failing where that was asked for, then `work(error)`.
  template <class Do>
  cudaError_t call(const char* name, Do work, bool may_be_captured = true) {
    const std::lock_guard lock(mutex_);
    calls_.emplace_back(name);
    cudaError_t error = cudaSuccess;
    if (const auto planned = failures_.find(name); planned != failures_.end()) {
      auto& [after, planned_error] = planned->second;
      if (after <= 0) error = planned_error;
      if (after > 0) {
        --after;
      } else if (after == 0) {
        failures_.erase(planned);
      }
    }
    if (error == cudaSuccess && !may_be_captured && capturing_ != nullptr &&
        capture_mode != cudaStreamCaptureModeRelaxed) {
      error = cudaErrorStreamCaptureUnsupported;
      capture_failed_ = true;
    }
    if (error == cudaSuccess && sticky_ != cudaSuccess) error = sticky_;
    if (error == cudaSuccess) error = work();
    if (error != cudaSuccess) last = error;
    return error;
  }

  void* make(int gpu, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    void* address = nullptr;
    return allocate(&address, bytes, gpu) == cudaSuccess ? address : nullptr;
  }
  cudaError_t allocate(void** address, std::size_t bytes, int gpu) {
    if (bytes > std::size_t{1} << 40) return cudaErrorMemoryAllocation;
    *address = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    if (*address == nullptr) return cudaErrorMemoryAllocation;
    std::memset(*address, 0xFF, bytes);
    allocated_[reinterpret_cast<std::uintptr_t>(*address)] = {bytes, gpu};
    return cudaSuccess;
  }
  cudaError_t release(void* address) {
    const cudaError_t error = run_all();
    if (address == nullptr) return error;
    if (allocated_.erase(reinterpret_cast<std::uintptr_t>(address)) == 0) return cudaErrorInvalidValue;
    std::free(address);
    return error;
  }
  bool holds(int gpu, std::uintptr_t begin, std::uintptr_t end) const {
    auto found = allocated_.upper_bound(begin);
    if (found == allocated_.begin()) return false;
    --found;
    return found->second.second == gpu && end <= found->first + found->second.first;
  }

  /// Without peers: what is another GPU's can't be reached.
  cudaPointerAttributes look_at(const void* pointer) const {
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    for (int gpu = 0; gpu < count_; ++gpu) {
      if (!holds(gpu, at, at + 1)) continue;
      return {cudaMemoryTypeDevice, gpu, gpu == current_gpu ? const_cast<void*>(pointer) : nullptr};
    }
    return {cudaMemoryTypeUnregistered, -2, nullptr};
  }

  cudaError_t enqueue(cudaStream_t stream, Work work) {
    const cudaStream_t where = stream == cudaStreamLegacy ? nullptr : stream;
    if (capturing_ == nullptr) {
      waiting_[where].push_back(std::move(work));
      return cudaSuccess;
    }
    if (where == capturing_) {
      captured_.push_back(std::move(work));
      return cudaSuccess;
    }
    if (where != nullptr) {
      waiting_[where].push_back(std::move(work));
      return cudaSuccess;
    }
    capture_failed_ = true;  // the legacy stream waits for the captured one
    return cudaErrorStreamCaptureImplicit;
  }

  cudaError_t launch(const cudaLaunchConfig_t& config, const void* function, void** parameters, std::size_t bytes) {
    if (!is_stream(config.stream)) return cudaErrorInvalidResourceHandle;
    const int gpu = current_gpu;
    if (gpu_of(config.stream, gpu) != gpu) return cudaErrorInvalidResourceHandle;
    if (!loaded_.contains({gpu, function})) {
      if (capturing_ != nullptr && capture_mode != cudaStreamCaptureModeRelaxed) {
        capture_failed_ = true;
        return cudaErrorStreamCaptureUnsupported;
      }
      loaded_.insert({gpu, function});
    }
    const auto limit = limits_.find({gpu, function});
    const int most = limit == limits_.end() ? shared_without_asking : limit->second;
    if (config.dynamicSmemBytes > static_cast<std::size_t>(most)) return cudaErrorInvalidValue;
    std::vector<std::byte> by_value(bytes);
    std::memcpy(by_value.data(), parameters[0], bytes);
    const auto kernel = reinterpret_cast<FakeKernel>(const_cast<void*>(function));
    const bool early = attribute_of(config, cudaLaunchAttributeProgrammaticStreamSerialization) != nullptr;
    const cudaLaunchAttribute* const in_clusters = attribute_of(config, cudaLaunchAttributeClusterDimension);
    const unsigned cluster = in_clusters != nullptr ? in_clusters->val.clusterDim.x : 1;
    if (config.gridDim.x % cluster != 0) return cudaErrorInvalidValue;
    return enqueue(config.stream, {[this, gpu, kernel, by_value = std::move(by_value)] {
                                     return kernel(gpu, by_value.data()) ? cudaSuccess : cudaErrorIllegalAddress;
                                   },
                                   true, early, cluster});
  }
  static const cudaLaunchAttribute* attribute_of(const cudaLaunchConfig_t& config, cudaLaunchAttributeID id) {
    const auto* const end = config.attrs + config.numAttrs;
    const auto* const found = std::find_if(config.attrs, config.attrs + config.numAttrs,
                                           [&](const cudaLaunchAttribute& attribute) { return attribute.id == id; });
    return found == end ? nullptr : found;
  }
  cudaError_t clusters(int* count, const void* function, const cudaLaunchConfig_t& config) {
    const cudaLaunchAttribute* const in_clusters = attribute_of(config, cudaLaunchAttributeClusterDimension);
    if (in_clusters == nullptr || !loaded_.contains({current_gpu, function})) return cudaErrorInvalidValue;
    const int most = multiprocessors / static_cast<int>(in_clusters->val.clusterDim.x);
    *count = clusters_ >= 0 ? std::min(clusters_, most) : most;
    return cudaSuccess;
  }

  cudaError_t load(const void* function) {
    loaded_.insert({current_gpu, function});
    return cudaSuccess;
  }
  cudaError_t limit(const void* function, int bytes) {
    if (bytes > shared_per_block) return cudaErrorInvalidValue;
    limits_[{current_gpu, function}] = bytes;
    return cudaSuccess;
  }

  bool is_stream(cudaStream_t stream) const {
    return stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread ||
           std::any_of(streams_.begin(), streams_.end(), [&](const auto& one) { return one.get() == stream; });
  }
  static int gpu_of(cudaStream_t stream, int current) {
    const bool is_default = stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread;
    return is_default ? current : stream->gpu;
  }

  /// The legacy stream waits for all others.
  cudaError_t run(cudaStream_t stream) {
    if (stream == nullptr || stream == cudaStreamLegacy) return run_all();
    return run_queue(waiting_[stream]);
  }
  cudaError_t run_all() {
    for (auto& [stream, queue] : waiting_) run_queue(queue);
    return sticky_;
  }

  int count() const { return count_; }
  int architecture() const { return architecture_; }
  int driver() const { return driver_; }
  static constexpr int runtime_version = 13000;

 private:
  cudaError_t run_queue(std::vector<Work>& queue) {
    for (const Work& work : std::exchange(queue, {})) {
      const cudaError_t error = sticky_ == cudaSuccess ? work.run() : sticky_;
      if (error != cudaSuccess) sticky_ = error;
    }
    return sticky_;
  }
  template <class Which>
  int count(void* stream, Which which) const {
    const std::lock_guard lock(mutex_);
    const auto queue = waiting_.find(static_cast<cudaStream_t>(stream));
    return queue == waiting_.end() ? 0
                                   : static_cast<int>(std::count_if(queue->second.begin(), queue->second.end(), which));
  }

  mutable std::mutex mutex_;
  int count_ = 1;
  int architecture_ = 90;
  int clusters_ = -1;
  int driver_ = runtime_version;
  std::map<std::string, std::pair<int, cudaError_t>> failures_;
  std::vector<std::string> calls_;
  std::vector<std::unique_ptr<FakeStream>> streams_;
  /// In order of each stream.
  std::map<cudaStream_t, std::vector<Work>> waiting_;
  cudaStream_t capturing_ = nullptr;
  bool capture_failed_ = false;
  std::vector<Work> captured_;
  std::map<std::uintptr_t, std::pair<std::size_t, int>> allocated_;
  std::set<std::pair<int, const void*>> loaded_;
  std::map<std::pair<int, const void*>, int> limits_;
  /// A fault of a kernel, which every call returns from then on.
  cudaError_t sticky_ = cudaSuccess;
};

Gpus& gpus() {
  static Gpus& all = []() -> Gpus& {
    pthread_atfork([] { gpus().lock(); }, [] { gpus().unlock(); }, [] { gpus().unlock(); });
    return *new Gpus;
  }();
  return all;
}

}  // namespace

bool is_of_gpu(int gpu, std::uintptr_t begin, std::uintptr_t end) { return gpus().holds(gpu, begin, end); }

}  // namespace alng::test

using alng::test::gpus;

extern "C" {

[[gnu::visibility("default")]] alng::test::FakeCuda* alng_fake_cuda() { return &gpus(); }
// The same for tests in Python.
[[gnu::visibility("default")]] void* alng_fake_allocate(int gpu, std::size_t bytes) { return gpus().make(gpu, bytes); }
[[gnu::visibility("default")]] void* alng_fake_make_stream(int gpu) { return gpus().make_stream(gpu); }
[[gnu::visibility("default")]] int alng_fake_waiting(void* stream) { return gpus().waiting(stream); }
[[gnu::visibility("default")]] void alng_fake_wait() { gpus().wait_for_all(); }

cudaError_t cudaGetDeviceCount(int* count) {
  return gpus().call("cudaGetDeviceCount", [&] {
    if (gpus().driver() < alng::test::Gpus::runtime_version) return cudaErrorInsufficientDriver;
    *count = gpus().count();
    return *count > 0 ? cudaSuccess : cudaErrorNoDevice;
  });
}
cudaError_t cudaDriverGetVersion(int* version) {
  return gpus().call("cudaDriverGetVersion", [&] { return *version = gpus().driver(), cudaSuccess; });
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  return gpus().call("cudaRuntimeGetVersion",
                     [&] { return *version = alng::test::Gpus::runtime_version, cudaSuccess; });
}
cudaError_t cudaGetDevice(int* gpu) {
  return gpus().call("cudaGetDevice", [&] { return *gpu = alng::test::current_gpu, cudaSuccess; });
}
cudaError_t cudaSetDevice(int gpu) {
  return gpus().call("cudaSetDevice", [&] {
    if (gpu < 0 || gpu >= gpus().count()) return cudaErrorInvalidDevice;
    return alng::test::current_gpu = gpu, cudaSuccess;
  });
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int gpu) {
  return gpus().call("cudaDeviceGetAttribute", [&] {
    if (gpu < 0 || gpu >= gpus().count()) return cudaErrorInvalidDevice;
    switch (attribute) {
      case cudaDevAttrMultiProcessorCount:
        return *value = alng::test::multiprocessors, cudaSuccess;
      case cudaDevAttrComputeCapabilityMajor:
        return *value = gpus().architecture() / 10, cudaSuccess;
      case cudaDevAttrComputeCapabilityMinor:
        return *value = gpus().architecture() % 10, cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
        return *value = alng::test::shared_per_multiprocessor, cudaSuccess;
      case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        return *value = alng::test::shared_per_block, cudaSuccess;
    }
    return cudaErrorInvalidValue;
  });
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  return gpus().call("cudaGetDeviceProperties", [&] {
    std::strcpy(properties->name, "Fake GPU");
    properties->totalGlobalMem = std::size_t{141} << 30;
    return cudaSuccess;
  });
}
cudaError_t cudaStreamGetDevice(cudaStream_t stream, int* gpu) {
  return gpus().call("cudaStreamGetDevice", [&] {
    if (!gpus().is_stream(stream)) return cudaErrorInvalidResourceHandle;
    return *gpu = alng::test::Gpus::gpu_of(stream, alng::test::current_gpu), cudaSuccess;
  });
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return gpus().call(
      "cudaStreamSynchronize", [&] { return gpus().run(stream); }, false);
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  return gpus().call("cudaThreadExchangeStreamCaptureMode",
                     [&] { return std::swap(*mode, alng::test::capture_mode), cudaSuccess; });
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  return gpus().call("cudaPointerGetAttributes", [&] { return *attributes = gpus().look_at(pointer), cudaSuccess; });
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function) {
  return gpus().call(
      "cudaFuncGetAttributes",
      [&] {
        attributes->sharedSizeBytes = 16;
        return gpus().load(function);
      },
      false);
}
cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute, int value) {
  return gpus().call(
      "cudaFuncSetAttribute", [&] { return gpus().limit(function, value); }, false);
}
cudaError_t cudaOccupancyMaxActiveClusters(int* clusters, const void* function, const cudaLaunchConfig_t* config) {
  return gpus().call("cudaOccupancyMaxActiveClusters", [&] { return gpus().clusters(clusters, function, *config); });
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* function, void** parameters) {
  return gpus().call("cudaLaunchKernelExC", [&] { return gpus().launch(*config, function, parameters, 2048); });
}
cudaError_t cudaMalloc(void** address, std::size_t bytes) {
  return gpus().call(
      "cudaMalloc", [&] { return gpus().allocate(address, bytes, alng::test::current_gpu); }, false);
}
cudaError_t cudaFree(void* address) {
  return gpus().call(
      "cudaFree", [&] { return gpus().release(address); }, false);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return gpus().call("cudaMemcpyAsync", [&] {
    const int gpu = alng::test::current_gpu;
    const auto fits = [&](const void* address, bool on_gpu) {
      const auto begin = reinterpret_cast<std::uintptr_t>(address);
      return gpus().holds(gpu, begin, begin + bytes) == on_gpu;
    };
    if (!fits(to, kind != cudaMemcpyDeviceToHost) || !fits(from, kind != cudaMemcpyHostToDevice)) {
      return cudaErrorInvalidValue;
    }
    return gpus().enqueue(stream, {[=] { return std::memmove(to, from, bytes), cudaSuccess; }});
  });
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return gpus().call("cudaEventCreate", [&] { return *event = new FakeEvent, cudaSuccess; });
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return gpus().call("cudaEventDestroy", [&] { return delete event, cudaSuccess; });
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return gpus().call("cudaEventRecord", [&] {
    return gpus().enqueue(
        stream, {[happened = event->happened] { return *happened = std::chrono::steady_clock::now(), cudaSuccess; }});
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
  return gpus().call(
      "cudaEventSynchronize", [&] { return gpus().run_all(); }, false);
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  return gpus().call("cudaEventElapsedTime", [&] {
    *milliseconds = std::chrono::duration<float, std::milli>(*end->happened - *begin->happened).count();
    return cudaSuccess;
  });
}
cudaError_t cudaGetLastError() { return std::exchange(alng::test::last, cudaSuccess); }
const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
      return "cudaErrorIllegalAddress";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInitializationError:
      return "cudaErrorInitializationError";
    default:
      return "cudaErrorOfTheFake";
  }
}
const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorIllegalAddress ? "an illegal memory access was encountered" : "in words";
}

}  // extern "C"
