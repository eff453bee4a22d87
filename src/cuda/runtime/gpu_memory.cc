#include "cuda/runtime/gpu_memory.h"

#include <array>
#include <cstddef>
#include <utility>

#include "cuda/runtime/gpus.h"
#include "problem/out_of_memory.h"

namespace alng::impl::cuda {
namespace {

constexpr std::nullptr_t default_stream = nullptr;

class Event {
 public:
  Event() noexcept : error_(cudaEventCreate(&event_)) {}
  ~Event() {
    if (event_ != nullptr) static_cast<void>(cudaEventDestroy(event_));
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const noexcept { return event_; }
  cudaError_t error() const noexcept { return error_; }

 private:
  cudaEvent_t event_ = nullptr;
  cudaError_t error_;
};

class GpuMemory final : public Memory {
 public:
  explicit constexpr GpuMemory(int gpu) noexcept : gpu_(gpu) {}

  Result<void*> allocate(std::size_t bytes) const noexcept override try {
    const OnGpu here(gpu_);
    void* address = nullptr;
    const cudaError_t error = here.error() == cudaSuccess ? cudaMalloc(&address, bytes) : here.error();
    if (error == cudaSuccess) return address;
    if (error != cudaErrorMemoryAllocation) return device_error(gpu_, "allocate memory", error);
    static_cast<void>(cudaGetLastError());
    return Status(Code::out_of_memory,
                  gpu_name(gpu_) + std::string(" has no ") + std::to_string(bytes) + " bytes of memory left");
  } catch (...) {
    return out_of_memory();
  }

  void free(void* address) const noexcept override {
    const OnGpu here(gpu_);
    if (cudaFree(address) != cudaSuccess) static_cast<void>(cudaGetLastError());
  }

  Status upload(void* to, const void* from, std::size_t bytes) const noexcept override {
    return transfer(to, from, bytes, cudaMemcpyHostToDevice, "take a copy");
  }
  Status download(void* to, const void* from, std::size_t bytes) const noexcept override {
    return transfer(to, from, bytes, cudaMemcpyDeviceToHost, "give a copy");
  }
  Status copy(void* to, const void* from, std::size_t bytes) const noexcept override {
    return transfer(to, from, bytes, cudaMemcpyDeviceToDevice, "copy memory");
  }

  Result<double> time(void (*work)(void* context), void* context) const noexcept override {
    const OnGpu here(gpu_);
    const Event begin, end;
    cudaError_t error = here.error();
    if (error == cudaSuccess) error = begin.error();
    if (error == cudaSuccess) error = end.error();
    if (error == cudaSuccess) error = cudaEventRecord(begin.get(), default_stream);
    if (error == cudaSuccess) work(context);
    if (error == cudaSuccess) error = cudaEventRecord(end.get(), default_stream);
    if (error == cudaSuccess) error = cudaEventSynchronize(end.get());
    float milliseconds = 0;
    if (error == cudaSuccess) error = cudaEventElapsedTime(&milliseconds, begin.get(), end.get());
    if (error != cudaSuccess) return device_error(gpu_, "tell the time", error);
    return static_cast<double>(milliseconds) * 1e-3;
  }

 private:
  Status transfer(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, const char* what) const noexcept {
    const OnGpu here(gpu_);
    cudaError_t error = here.error();
    if (error == cudaSuccess) error = cudaMemcpyAsync(to, from, bytes, kind, default_stream);
    // A copy from pageable memory may return before the GPU has all of it.
    if (error == cudaSuccess && kind != cudaMemcpyDeviceToDevice) error = cudaStreamSynchronize(default_stream);
    return error == cudaSuccess ? Status() : device_error(gpu_, what, error);
  }

  int gpu_;
};

template <std::size_t... gpus>
constexpr std::array<GpuMemory, most_gpus> one_for_each(std::index_sequence<gpus...>) noexcept {
  return {GpuMemory{static_cast<int>(gpus)}...};
}

constinit const std::array<GpuMemory, most_gpus> memories = one_for_each(std::make_index_sequence<most_gpus>());

}  // namespace

const Memory& gpu_memory(int gpu) noexcept { return memories[static_cast<std::size_t>(gpu)]; }

}  // namespace alng::impl::cuda
