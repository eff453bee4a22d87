// The device "cuda" on GPUs: plans are made ready to launch, and a run begins their launches on a stream.
#include "plan/backend.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>

#include "cuda/launch.h"
#include "cuda/runtime/gpu_memory.h"
#include "cuda/runtime/gpus.h"
#include "plan/cuda_library.h"
#include "problem/out_of_memory.h"

namespace alng::impl::cuda {
namespace {

/// While it lives, the calling thread may load kernels and set their attributes although a stream is being captured:
/// so a plan can be made where it is first needed.
class DuringCapture {
 public:
  DuringCapture() noexcept : error_(cudaThreadExchangeStreamCaptureMode(&mode_)) {}
  ~DuringCapture() {
    if (error_ == cudaSuccess) static_cast<void>(cudaThreadExchangeStreamCaptureMode(&mode_));
  }
  DuringCapture(const DuringCapture&) = delete;
  DuringCapture& operator=(const DuringCapture&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
  cudaError_t error_;
};

class GpuExecution final : public Execution {
 public:
  GpuExecution(const Problem& problem, int gpu, const Gpu& facts, const char* isa,
               std::unique_ptr<LaunchPlan> plan) noexcept
      : problem_(problem), gpu_(gpu), facts_(facts), isa_(isa), plan_(std::move(plan)) {}

  const char* device() const noexcept override { return gpu_name(gpu_); }
  const Memory* memory() const noexcept override { return &gpu_memory(gpu_); }
  bool has_streams() const noexcept override { return true; }
  std::size_t workspace_size() const noexcept override { return plan_->workspace_size(); }
  const char* isa() const noexcept override { return isa_; }
  int threads() const noexcept override { return plan_->blocks(); }
  std::string explain() const override { return "gpu: " + describe_gpu(gpu_, facts_) + "\n" + plan_->explain(); }

  Status run(const Arguments& arguments) const noexcept override {
    const OnGpu here(gpu_);
    if (here.error() != cudaSuccess) return device_error(gpu_, "become the current device", here.error());
    const auto stream = static_cast<cudaStream_t>(arguments.stream);
    if (Status status = check_stream(stream); !status.ok()) return status;
    if (checks_pointers_) {
      if (Status status = check_pointers(arguments); !status.ok()) return status;
    }
    const Launches launches = plan_->launches(arguments);
    for (int i = 0; i < launches.count; ++i) {
      const cudaError_t error = launch(launches.list[static_cast<std::size_t>(i)], stream);
      if (error != cudaSuccess) return device_error(gpu_, "begin a kernel", error);
    }
    return {};
  }
  // There is a launch for this, too.
  Status run_empty(const Problem&, const Arguments& arguments) const noexcept override { return run(arguments); }

  /// Everything that takes time or locks, or may not be done in a capture, once: kernels are loaded. Where the GPU has
  /// room for fewer clusters than `facts` has, that becomes what there is, and `planned` false.
  Status prepare(Gpu& facts, bool& planned) const {
    for (const Use& use : plan_->uses()) {
      cudaFuncAttributes attributes{};
      cudaError_t error = cudaFuncGetAttributes(&attributes, use.kernel->function);
      const std::int64_t most = facts_.shared_per_block - static_cast<std::int64_t>(attributes.sharedSizeBytes);
      if (error == cudaSuccess && use.shared_bytes > most) {
        return {Code::unsupported, std::string("a kernel of ") + problem_.what().name + " takes " +
                                       std::to_string(use.shared_bytes) + " bytes of shared memory but " +
                                       gpu_name(gpu_) + " has " + std::to_string(most)};
      }
      // The limit belongs to the kernel: as low as one plan needs it would be too low for another.
      if (error == cudaSuccess && use.shared_bytes > 0) {
        error = cudaFuncSetAttribute(use.kernel->function, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                     static_cast<int>(most));
      }
      if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorUnsupportedPtxVersion ||
          error == cudaErrorJitCompilationDisabled) {
        return {Code::unsupported, std::string("this build has no kernel for ") + gpu_name(gpu_) + ", " +
                                       describe_gpu(gpu_, facts_) + " (" + in_words(error) + ")"};
      }
      if (error != cudaSuccess) return device_error(gpu_, "load a kernel", error);
      for (std::size_t i = 0; i < cluster_sizes.size(); ++i) {
        if (use.cluster != static_cast<unsigned>(cluster_sizes[i])) continue;
        const int clusters = clusters_at_once(use);
        planned = planned && clusters >= facts.clusters[i];
        facts.clusters[i] = std::min(clusters, facts.clusters[i]);
      }
    }
    return {};
  }

 private:
  Status check_stream(cudaStream_t stream) const noexcept try {
    // The default streams are those of the current device.
    // NOLINTNEXTLINE(performance-no-int-to-ptr): CUDA's macros
    if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread) return {};
    int gpu = gpu_;
    const cudaError_t error = cudaStreamGetDevice(stream, &gpu);
    if (error == cudaErrorCallRequiresNewerDriver || error == cudaErrorNotSupported) {
      // A driver that can't tell refuses a wrong one when a kernel is begun.
      static_cast<void>(cudaGetLastError());
      return {};
    }
    if (error == cudaErrorInvalidResourceHandle || error == cudaErrorContextIsDestroyed) {
      return {Code::bad_option, "the stream must be one of " + std::string(gpu_name(gpu_)) +
                                    ", or null, but is none (" + in_words(error) + ")"};
    }
    if (error != cudaSuccess) return device_error(gpu_, "look at the stream", error);
    if (gpu == gpu_) return {};
    return {Code::bad_option,
            "the stream is one of cuda:" + std::to_string(gpu) + " but must be one of " + gpu_name(gpu_)};
  } catch (...) {
    return out_of_memory();
  }

  /// What the GPU can't reach would make it fault. CUDA tells of a pointer in about a microsecond.
  Status check_pointers(const Arguments& arguments) const noexcept try {
    const auto check = [&](const char* name, const void* pointer) -> Status {
      cudaPointerAttributes found{};
      const cudaError_t error = cudaPointerGetAttributes(&found, pointer);
      if (error != cudaSuccess) return device_error(gpu_, "look at a pointer", error);
      if (found.devicePointer != nullptr) return {};
      return {Code::bad_option, std::string(name) + " is memory of " +
                                    (found.type == cudaMemoryTypeDevice ? gpu_name(found.device) : "the host") +
                                    " but must be memory that " + gpu_name(gpu_) + " can reach"};
    };
    const auto operands = problem_.what().operands;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (!problem_.has(i) || arguments.data[i] == nullptr) continue;
      if (Status status = check(operands[i].name, arguments.data[i]); !status.ok()) return status;
    }
    return workspace_size() > 0 ? check("the workspace", arguments.workspace) : Status();
  } catch (...) {
    return out_of_memory();
  }

  static cudaLaunchAttribute in_clusters_of(unsigned blocks) noexcept {
    cudaLaunchAttribute attribute{};
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = blocks;
    attribute.val.clusterDim.y = attribute.val.clusterDim.z = 1;
    return attribute;
  }

  /// A GPU, or a part of one, may be without clusters of a size; that is no error.
  static int clusters_at_once(const Use& use) noexcept {
    cudaLaunchAttribute attribute = in_clusters_of(use.cluster);
    cudaLaunchConfig_t config{};
    config.gridDim = {use.cluster, 1, 1};
    config.blockDim = {use.threads, 1, 1};
    config.dynamicSmemBytes = use.shared_bytes;
    config.attrs = &attribute;
    config.numAttrs = 1;
    int clusters = 0;
    if (cudaOccupancyMaxActiveClusters(&clusters, use.kernel->function, &config) == cudaSuccess) return clusters;
    static_cast<void>(cudaGetLastError());
    return 0;
  }

  static cudaError_t launch(const Launch& what, cudaStream_t stream) noexcept {
    cudaLaunchAttribute attributes[2];
    cudaLaunchConfig_t config{};
    config.gridDim = {what.grid_x, what.grid_y, 1};
    config.blockDim = {what.threads, 1, 1};
    config.dynamicSmemBytes = what.shared_bytes;
    config.stream = stream;
    config.attrs = attributes;
    if (what.early) {
      cudaLaunchAttribute& early = attributes[config.numAttrs++];
      early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
      early.val.programmaticStreamSerializationAllowed = 1;
    }
    if (what.cluster > 1) attributes[config.numAttrs++] = in_clusters_of(what.cluster);
    void* parameters[] = {const_cast<std::byte*>(what.parameters.data())};
    return cudaLaunchKernelExC(&config, what.kernel->function, parameters);
  }

  Problem problem_;
  int gpu_;
  Gpu facts_;
  const char* isa_;
  std::unique_ptr<LaunchPlan> plan_;
  /// The environment variable, whatever it is set to, when the plan is made.
  bool checks_pointers_ = std::getenv("ALNG_CUDA_CHECK_POINTERS") != nullptr;
};

/// The GPU that "cuda" or "cuda:N" means.
Result<int> gpu_of(const std::string& device) {
  const Result<int> count = gpu_count();
  if (!count.ok()) return Status(Code::unsupported, "cuda can't be used: " + count.status().message());
  int gpu = 0;
  if (const std::size_t colon = device.find(':'); colon != std::string::npos) {
    std::from_chars(device.data() + colon + 1, device.data() + device.size(), gpu);
  } else if (const cudaError_t error = cudaGetDevice(&gpu); error != cudaSuccess) {
    return device_error(0, "be asked which device is current", error);
  }
  if (gpu < count.value()) return gpu;
  return Status(
      Code::bad_option,
      "device is \"" + device + "\" but must be " +
          (count.value() == 1 ? "cuda:0, the only GPU" : "one of cuda:0 to cuda:" + std::to_string(count.value() - 1)));
}

/// The code path that is asked for or best; `facts` become those of a GPU that has no other.
Result<const char*> choose_isa(const std::string& asked_for, int gpu, Gpu& facts) {
  std::string names;
  for (const Preset& preset : presets) {
    if (!names.empty()) names += ", ";
    names += preset.isa;
    const bool fits = preset.gpu.architecture <= facts.architecture;
    if (asked_for.empty() ? !fits : asked_for != preset.isa) continue;
    if (!fits) {
      return Status(Code::unsupported, "isa is \"" + asked_for + "\" but " + gpu_name(gpu) + " is sm_" +
                                           std::to_string(facts.architecture));
    }
    if (!asked_for.empty()) facts.architecture = preset.gpu.architecture;
    return preset.isa;
  }
  return Status(Code::bad_option,
                "isa is \"" + asked_for + "\" but must be one of " + names + " on cuda, or empty for the best");
}

class GpuBackend final : public Backend {
 public:
  const char* device() const noexcept override { return "cuda"; }
  std::vector<Availability> availability() const override {
    const Result<int> count = gpu_count();
    if (!count.ok()) return {{device(), false, count.status().message()}};
    std::vector<Availability> all;
    for (int gpu = 0; gpu < count.value(); ++gpu) {
      const Result<Gpu> facts = gpu_facts(gpu);
      if (!facts.ok()) {
        all.push_back({gpu_name(gpu), false, facts.status().message()});
        continue;
      }
      const std::string reason = why_not(facts.value());
      all.push_back({gpu_name(gpu), reason.empty(), reason.empty() ? describe_gpu(gpu, facts.value()) : reason});
    }
    return all;
  }

  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
    const Result<int> gpu = gpu_of(options.device);
    if (!gpu.ok()) return gpu.status();
    const OnGpu here(gpu.value());
    if (here.error() != cudaSuccess) return device_error(gpu.value(), "become the current device", here.error());
    Result<Gpu> facts = gpu_facts(gpu.value());
    if (!facts.ok()) return facts.status();
    if (const std::string reason = why_not(facts.value()); !reason.empty()) {
      return Status(Code::unsupported, std::string(gpu_name(gpu.value())) + " is " + reason);
    }
    const Gpu real = facts.value();
    const Result<const char*> isa = choose_isa(options.isa, gpu.value(), facts.value());
    if (!isa.ok()) return isa.status();
    const DuringCapture relaxed;
    // How many clusters there is room for can be asked of a loaded kernel alone.
    while (true) {
      Result<std::unique_ptr<LaunchPlan>> launches = plan_launches(problem, facts.value(), options);
      if (!launches.ok()) return launches.status();
      auto execution =
          std::make_unique<GpuExecution>(problem, gpu.value(), real, isa.value(), std::move(launches).value());
      bool planned = true;
      if (Status status = execution->prepare(facts.value(), planned); !status.ok()) return status;
      if (planned) return std::unique_ptr<Execution>(std::move(execution));
    }
  }
};

constinit const GpuBackend backend;

}  // namespace
}  // namespace alng::impl::cuda

constinit const alng::impl::CudaLibrary alng_internal_cuda_library = {alng::impl::backend_interface, ALNG_VERSION,
                                                                      &alng::impl::cuda::backend};
