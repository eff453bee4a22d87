#include "cuda/runtime/gpus.h"

#include <algorithm>
#include <array>

#include "problem/out_of_memory.h"

namespace alng::impl::cuda {
namespace {

struct Name {
  std::array<char, 8> text{};
};

constexpr std::array<Name, most_gpus> names = [] {
  std::array<Name, most_gpus> all;
  for (int gpu = 0; gpu < most_gpus; ++gpu) {
    Name& name = all[static_cast<std::size_t>(gpu)];
    std::size_t at = 0;
    for (const char c : {'c', 'u', 'd', 'a', ':'}) name.text[at++] = c;
    if (gpu >= 10) name.text[at++] = static_cast<char>('0' + gpu / 10);
    name.text[at] = static_cast<char>('0' + gpu % 10);
  }
  return all;
}();

// "13.0", as the runtime writes 13000.
std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

/// Faults of work that was begun earlier: whoever calls the runtime next is told of them.
bool is_of_earlier_work(cudaError_t error) noexcept {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorContained:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorTensorMemoryLeak:
    case cudaErrorExternalDevice:
      return true;
    default:
      return false;
  }
}

}  // namespace

const char* gpu_name(int gpu) noexcept { return names[static_cast<std::size_t>(gpu)].text.data(); }

Result<int> gpu_count() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return std::min(count, most_gpus);
  if (error == cudaSuccess || error == cudaErrorNoDevice) {
    static_cast<void>(cudaGetLastError());
    return Status(Code::unsupported, "the NVIDIA driver finds no GPU");
  }
  int driver = 0, runtime = 0;
  if (error == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess &&
      cudaRuntimeGetVersion(&runtime) == cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    if (driver == 0) return Status(Code::unsupported, "there is no NVIDIA driver");
    return Status(Code::unsupported, "the NVIDIA driver is for CUDA " + version(driver) + " but must be for CUDA " +
                                         version(runtime) + " or later");
  }
  return Status(Code::unsupported, "the NVIDIA driver can't be used (" + in_words(error) + ")");
}

Result<Gpu> gpu_facts(int gpu) {
  cudaError_t error = cudaSuccess;
  const auto ask = [&](cudaDeviceAttr attribute) {
    int value = 0;
    if (error == cudaSuccess) error = cudaDeviceGetAttribute(&value, attribute, gpu);
    return value;
  };
  Gpu facts{};
  facts.architecture = 10 * ask(cudaDevAttrComputeCapabilityMajor) + ask(cudaDevAttrComputeCapabilityMinor);
  facts.multiprocessors = ask(cudaDevAttrMultiProcessorCount);
  facts.shared_per_block = ask(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  facts.shared_per_multiprocessor = ask(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
  if (error != cudaSuccess) return device_error(gpu, "tell what it is", error);
  for (std::size_t i = 0; i < cluster_sizes.size() && facts.architecture >= 90; ++i) {
    facts.clusters[i] = facts.multiprocessors / cluster_sizes[i];  // at most; a plan that wants them asks
  }
  return facts;
}

std::string describe_gpu(int gpu, const Gpu& facts) {
  std::string text = "a GPU";
  std::string memory;
  if (cudaDeviceProp properties; cudaGetDeviceProperties(&properties, gpu) == cudaSuccess) {
    text = properties.name;
    memory = ", " + std::to_string(properties.totalGlobalMem >> 30) + " GiB";
  } else {
    static_cast<void>(cudaGetLastError());
  }
  return text + ", sm_" + std::to_string(facts.architecture) + ", " + std::to_string(facts.multiprocessors) +
         " multiprocessors" + memory;
}

std::string why_not(const Gpu& facts) {
  if (facts.architecture >= 80) return {};
  return "sm_" + std::to_string(facts.architecture) + " but must be sm_80 or later";
}

std::string in_words(cudaError_t error) {
  std::string text = std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error);
  if (error == cudaErrorInitializationError) text += "; a process that was forked can't use CUDA if its parent had";
  static_cast<void>(cudaGetLastError());
  return text;
}

Status device_error(int gpu, const char* what, cudaError_t error) noexcept try {
  std::string text = gpu_name(gpu);
  if (is_of_earlier_work(error)) {
    text += " failed at work that was begun earlier (" + in_words(error) +
            "): what that wrote is not to be trusted, and CUDA does nothing more in this process";
  } else {
    text += std::string(" could not ") + what + " (" + in_words(error) + ")";
  }
  return {Code::device_error, text};
} catch (...) {
  return out_of_memory();
}

OnGpu::OnGpu(int gpu) noexcept : error_(cudaGetDevice(&before_)) {
  if (error_ != cudaSuccess || before_ == gpu) return;
  error_ = cudaSetDevice(gpu);
  changed_ = error_ == cudaSuccess;
}

OnGpu::~OnGpu() {
  if (changed_) static_cast<void>(cudaSetDevice(before_));
}

}  // namespace alng::impl::cuda
