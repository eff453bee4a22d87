// A problem's tensors in the memory that a plan's device has of its own.
#ifndef ALNG_TOOLS_DEVICE_TENSORS_H
#define ALNG_TOOLS_DEVICE_TENSORS_H

#include <cstddef>
#include <memory>
#include <vector>

#include "alng/alng.hpp"

namespace alng::cli {

/// Frees it.
class DeviceBuffer {
 public:
  /// Throws `Failure`.
  DeviceBuffer(Memory memory, std::size_t bytes);
  void* data() const { return data_.get(); }

 private:
  struct Free {
    Memory memory;
    void operator()(void* address) const { memory.free(address); }
  };
  std::unique_ptr<void, Free> data_;
};

/// All tensors of the plan's problem, each as its layout has it, and the workspace. Only for a plan whose `memory()` is
/// true. Everything throws `Failure` where the device refuses.
template <class Operator>
class DeviceTensors {
 public:
  explicit DeviceTensors(const PlanOf<Operator>& plan);

  /// Whatever the problem reads.
  void upload(const typename Operator::Arguments& from);
  void upload(std::size_t place, const void* from);
  void download(std::size_t place, void* to) const;

  /// Where the tensors and the workspace are.
  const typename Operator::Arguments& arguments() const { return arguments_; }
  /// The seconds that the device takes for this many runs.
  double time_runs(int count) const;

 private:
  PlanOf<Operator> plan_;
  std::vector<DeviceBuffer> buffers_;
  typename Operator::Arguments arguments_;
};

}  // namespace alng::cli

#endif
