// Devices, and contexts on them: what a thread works with.
#ifndef ALNG_CANN_RUNTIME_DEVICE_H
#define ALNG_CANN_RUNTIME_DEVICE_H

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "acl/acl_rt.h"
#include "runtime/answer.h"
#include "runtime/registry.h"
#include "runtime/stream.h"

namespace alng::cann {

/// What alng computes on; the place in `devices()` is the number that programs use. The memory of all of them is the
/// host's today: a device with memory of its own adds how to allocate, copy and fill it here, and runtime/memory.cc and
/// runtime/transfers.cc ask.
struct Device {
  /// As alng::PlanOptions names it.
  std::string name;
};
const std::vector<Device>& devices();

/// What computes for a device, as alng::PlanOptions names it: the model of the product that the runtime stands for,
/// where one is named and this build has its kernel, else the device itself. Lives forever.
const std::string& device_of_plans(int device);

/// The values of aclSysParamOpt, for the process or for a context.
class Options {
 public:
  Answer set(const char* function, aclSysParamOpt option, std::int64_t value);
  Answer get(const char* function, aclSysParamOpt option, std::int64_t* value, const Options* otherwise) const;

 protected:
  mutable std::mutex mutex_;

 private:
  std::array<std::optional<std::int64_t>, 4> values_;
};
Options& process_options();

class Context {
 public:
  Context(int device, bool primary) : device_(device), primary_(primary) {}
  int device() const { return device_; }
  /// Whether it is aclrtSetDevice's.
  bool primary() const { return primary_; }
  Options& options() { return options_; }
  /// What a null stream means; made when it is first asked for.
  std::shared_ptr<Stream> own_stream(const void* handle);

 private:
  const int device_;
  const bool primary_;
  Options options_;
  std::mutex mutex_;
  std::shared_ptr<Stream> stream_;
};

Registry<Context>& contexts();

/// This thread's context, in `context` and `handle`; an error where it has none, or none any more.
Answer current_context(const char* function, std::shared_ptr<Context>& context, void** handle = nullptr);

/// The stream of a handle; of null, the current context's own.
/// 107001 where there is no device of this number; `name` is the parameter's.
Answer check_device(const char* function, const std::string& name, std::int64_t device);

Answer find_stream(const char* function, aclrtStream handle, std::shared_ptr<Stream>& stream);

}  // namespace alng::cann

#endif
