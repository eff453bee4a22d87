// What programs ask of devices when they set them up: access to each other, and what overflow gives.
#include "runtime/device.h"

namespace alng::cann {
namespace {

// The device of the current context, and another.
Answer check_peer(const char* function, std::int32_t peer, int& device) {
  std::shared_ptr<Context> context;
  if (Answer answer = current_context(function, context); !answer.ok()) return answer;
  device = context->device();
  return check_device(function, "peerDeviceId", peer);
}

}  // namespace
}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtDeviceCanAccessPeer";
    if (canAccessPeer == nullptr) return null_pointer(function, "canAccessPeer");
    if (Answer answer = check_device(function, "deviceId", deviceId); !answer.ok()) return answer;
    if (Answer answer = check_device(function, "peerDeviceId", peerDeviceId); !answer.ok()) return answer;
    *canAccessPeer = 0;
    return {};
  });
}

aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtDeviceEnablePeerAccess";
    if (flags != 0) return not_so(wrong_number(function, "flags", flags, "0"));
    int device = 0;
    if (Answer answer = check_peer(function, peerDeviceId, device); !answer.ok()) return answer;
    return {ACL_ERROR_RT_FEATURE_NOT_SUPPORT, Kind::value,
            std::string(function) + ": peerDeviceId is " + std::to_string(peerDeviceId) +
                (peerDeviceId == device ? ", this thread's own device"
                                        : ", whose memory this thread's device cannot reach")};
  });
}

aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtDeviceDisablePeerAccess";
    int device = 0;
    if (Answer answer = check_peer(function, peerDeviceId, device); !answer.ok()) return answer;
    return not_so(std::string(function) + ": access to device " + std::to_string(peerDeviceId) + " was not enabled");
  });
}

aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtSetDeviceSatMode";
    std::shared_ptr<Context> context;
    if (Answer answer = current_context(function, context); !answer.ok()) return answer;
    if (mode == ACL_RT_OVERFLOW_MODE_INFNAN) return {};
    if (mode == ACL_RT_OVERFLOW_MODE_SATURATION) {
      return {ACL_ERROR_RT_FEATURE_NOT_SUPPORT, Kind::value,
              std::string(function) + ": mode is 0, saturation, but must be 1: what overflows gives infinity here"};
    }
    return invalid(wrong_number(function, "mode", mode, "1, infinity and NaN"));
  });
}

aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode* mode) {
  return guarded([&]() -> Answer {
    constexpr const char* function = "aclrtGetDeviceSatMode";
    if (mode == nullptr) return null_pointer(function, "mode");
    std::shared_ptr<Context> context;
    if (Answer answer = current_context(function, context); !answer.ok()) return answer;
    *mode = ACL_RT_OVERFLOW_MODE_INFNAN;
    return {};
  });
}

}  // extern "C"
