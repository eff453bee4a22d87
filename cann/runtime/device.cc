#include "runtime/device.h"

#include <cstdlib>

#include "alng/alng.hpp"
#include "runtime/event.h"
#include "runtime/memory.h"
#include "runtime/product.h"
#include "runtime/virtual_memory.h"

namespace alng::cann {
namespace {

// How often each device is set, and its own context. One lock: these calls are rare.
struct Primary {
  int count = 0;
  void* context = nullptr;
  bool inherited = false;  // by a child of fork, which has not set the device itself
};
struct Primaries final : Forked {
  Primaries() : of(devices().size()) { join(); }
  // Another thread may wait for streams under the lock, and will not come back from that in the child.
  void in_child() override {
    new (&mutex) std::mutex;
    for (Primary& primary : of) primary = {0, nullptr, primary.inherited || primary.context != nullptr};
  }

  std::mutex mutex;
  std::vector<Primary> of;
};

Primaries& primaries() {
  static Primaries& all = *new Primaries;
  return all;
}

thread_local void* current = nullptr;

void close_streams(const std::vector<std::shared_ptr<Stream>>& closed, const char* drop_because) {
  // The errors of work that nobody has waited for have nobody to go to.
  for (const auto& stream : closed) static_cast<void>(stream->close(drop_because));
}

Answer reset(const char* function, std::int32_t device, bool force) {
  if (Answer answer = check_device(function, "deviceId", device); !answer.ok()) return answer;
  Primaries& all = primaries();
  const std::lock_guard lock(all.mutex);
  Primary& primary = all.of[static_cast<std::size_t>(device)];
  if (primary.count == 0) {
    if (primary.inherited) note_inherited();
    return {ACL_ERROR_RT_CONTEXT_NULL, Kind::inner,
            std::string(function) + ": device " + std::to_string(device) + " is not set but must be"};
  }
  if (!force && --primary.count > 0) return {};
  close_streams(streams().remove_where([&](const Stream& stream) { return stream.device() == device; }),
                force ? "its device was reset by force" : nullptr);
  contexts().remove_where([&](const Context& context) { return context.device() == device; });
  memory().release_device(device);
  release_physical(device);
  primary = {};
  return {};
}

}  // namespace

const std::vector<Device>& devices() {
  // The memory of acl is the host's, where of alng's devices the CPU works. A product's model is what it becomes where
  // the product is named (device_of_plans).
  static const std::vector<Device>& all = *new std::vector<Device>{{"cpu"}};
  return all;
}

const std::string& device_of_plans(int device) {
  const Product* product = current_product();
  if (product != nullptr && product->model != nullptr) {
    static const std::vector<Availability>& known = *new std::vector<Availability>(alng::devices());
    for (const Availability& model : known) {
      if (model.name == product->model) return model.name;
    }
  }
  return devices()[static_cast<std::size_t>(device)].name;
}

Answer Options::set(const char* function, aclSysParamOpt option, std::int64_t value) {
  const auto index = static_cast<std::size_t>(option);
  if (index >= values_.size()) return invalid(wrong_number(function, "opt", option, "0 to 3"));
  const std::int64_t most = option == ACL_OPT_DETERMINISTIC ? 3 : 1;
  if (value < 0 || value > most) return invalid(wrong_number(function, "value", value, "0 to " + std::to_string(most)));
  const std::lock_guard lock(mutex_);
  values_[index] = value;
  return {};
}

Answer Options::get(const char* function, aclSysParamOpt option, std::int64_t* value, const Options* otherwise) const {
  if (value == nullptr) return null_pointer(function, "value");
  const auto index = static_cast<std::size_t>(option);
  if (index >= values_.size()) return invalid(wrong_number(function, "opt", option, "0 to 3"));
  {
    const std::lock_guard lock(mutex_);
    if (values_[index] || otherwise == nullptr) {
      *value = values_[index].value_or(0);
      return {};
    }
  }
  return otherwise->get(function, option, value, nullptr);
}

Options& process_options() {
  struct ProcessOptions final : Options, Forked {
    ProcessOptions() { join(); }
    void before_fork() override { mutex_.lock(); }
    void in_parent() override { mutex_.unlock(); }
    void in_child() override { mutex_.unlock(); }
  };
  static Options& options = *new ProcessOptions;
  return options;
}

std::shared_ptr<Stream> Context::own_stream(const void* handle) {
  const std::lock_guard lock(mutex_);
  if (stream_ == nullptr) {
    stream_ = std::make_shared<Stream>(device_, handle);
    streams().add(stream_);
  }
  return stream_;
}

Registry<Context>& contexts() {
  static Registry<Context>& all = *new Registry<Context>(0x43);
  return all;
}

Answer current_context(const char* function, std::shared_ptr<Context>& context, void** handle) {
  if (current == nullptr) {
    return {
        ACL_ERROR_RT_CONTEXT_NULL, Kind::inner,
        std::string(function) + ": this thread has no device: aclrtSetDevice or aclrtSetCurrentContext comes first"};
  }
  context = contexts().find(current);
  if (context == nullptr) {
    return {ACL_ERROR_RT_CONTEXT_NULL, Kind::inner,
            std::string(function) +
                ": this thread's context is destroyed: aclrtSetDevice or aclrtSetCurrentContext "
                "comes first"};
  }
  if (handle != nullptr) *handle = current;
  return {};
}

Answer check_device(const char* function, const std::string& name, std::int64_t device) {
  const auto count = static_cast<std::int64_t>(devices().size());
  if (device >= 0 && device < count) return {};
  return {ACL_ERROR_RT_INVALID_DEVICEID, Kind::value,
          wrong_number(function, name, device, "0 to " + std::to_string(count - 1))};
}

Answer find_stream(const char* function, aclrtStream handle, std::shared_ptr<Stream>& stream) {
  if (handle == nullptr) {
    std::shared_ptr<Context> context;
    void* own = nullptr;
    if (Answer answer = current_context(function, context, &own); !answer.ok()) return answer;
    stream = context->own_stream(own);
    return {};
  }
  stream = streams().find(handle);
  return stream != nullptr ? Answer{} : no_stream(function);
}

}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclError aclrtSetDevice(int32_t deviceId) {
  return guarded([&]() -> Answer {
    if (Answer answer = check_product(); !answer.ok()) return answer;
    if (Answer answer = check_device("aclrtSetDevice", "deviceId", deviceId); !answer.ok()) return answer;
    Primaries& all = primaries();
    const std::lock_guard lock(all.mutex);
    Primary& primary = all.of[static_cast<std::size_t>(deviceId)];
    if (primary.context == nullptr) primary.context = contexts().add(std::make_shared<Context>(deviceId, true));
    ++primary.count;
    current = primary.context;
    return {};
  });
}

aclError aclrtResetDevice(int32_t deviceId) {
  return guarded([&] { return reset("aclrtResetDevice", deviceId, false); });
}

aclError aclrtResetDeviceForce(int32_t deviceId) {
  return guarded([&] { return reset("aclrtResetDeviceForce", deviceId, true); });
}

aclError aclrtGetDevice(int32_t* deviceId) {
  return guarded([&]() -> Answer {
    if (deviceId == nullptr) return null_pointer("aclrtGetDevice", "deviceId");
    std::shared_ptr<Context> context;
    if (Answer answer = current_context("aclrtGetDevice", context); !answer.ok()) return answer;
    *deviceId = context->device();
    return {};
  });
}

aclError aclrtGetDeviceCount(uint32_t* count) {
  return guarded([&]() -> Answer {
    if (count == nullptr) return null_pointer("aclrtGetDeviceCount", "count");
    *count = static_cast<std::uint32_t>(devices().size());
    return {};
  });
}

aclError aclrtGetRunMode(aclrtRunMode* runMode) {
  return guarded([&]() -> Answer {
    if (runMode == nullptr) return null_pointer("aclrtGetRunMode", "runMode");
    *runMode = ACL_HOST;
    return {};
  });
}

aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId) {
  return guarded([&]() -> Answer {
    if (context == nullptr) return null_pointer("aclrtCreateContext", "context");
    if (Answer answer = check_device("aclrtCreateContext", "deviceId", deviceId); !answer.ok()) return answer;
    *context = current = contexts().add(std::make_shared<Context>(deviceId, false));
    return {};
  });
}

aclError aclrtDestroyContext(aclrtContext context) {
  return guarded([&]() -> Answer {
    if (context == nullptr) return null_pointer("aclrtDestroyContext", "context");
    const std::shared_ptr<Context> found = contexts().find(context);
    if (found != nullptr && found->primary()) {
      return not_so("aclrtDestroyContext: context is aclrtSetDevice's own, which goes by aclrtResetDevice");
    }
    if (contexts().remove(context) == nullptr) {
      return no_handle("aclrtDestroyContext", "context", "aclrtCreateContext");
    }
    close_streams(streams().remove_where([&](const Stream& stream) { return stream.context() == context; }), nullptr);
    return {};
  });
}

aclError aclrtSetCurrentContext(aclrtContext context) {
  return guarded([&]() -> Answer {
    if (context == nullptr) return null_pointer("aclrtSetCurrentContext", "context");
    if (contexts().find(context) == nullptr) {
      return no_handle("aclrtSetCurrentContext", "context", "aclrtCreateContext");
    }
    current = context;
    return {};
  });
}

aclError aclrtGetCurrentContext(aclrtContext* context) {
  return guarded([&]() -> Answer {
    if (context == nullptr) return null_pointer("aclrtGetCurrentContext", "context");
    std::shared_ptr<Context> found;
    return current_context("aclrtGetCurrentContext", found, context);
  });
}

aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
  return guarded([&] { return process_options().set("aclrtSetSysParamOpt", opt, value); });
}

aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t* value) {
  return guarded([&] { return process_options().get("aclrtGetSysParamOpt", opt, value, nullptr); });
}

aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value) {
  return guarded([&]() -> Answer {
    std::shared_ptr<Context> context;
    if (Answer answer = current_context("aclrtCtxSetSysParamOpt", context); !answer.ok()) return answer;
    return context->options().set("aclrtCtxSetSysParamOpt", opt, value);
  });
}

aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t* value) {
  return guarded([&]() -> Answer {
    std::shared_ptr<Context> context;
    if (Answer answer = current_context("aclrtCtxGetSysParamOpt", context); !answer.ok()) return answer;
    return context->options().get("aclrtCtxGetSysParamOpt", opt, value, &process_options());
  });
}

}  // extern "C"
