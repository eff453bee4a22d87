#include "alng_cann.h"
#include "cann/tests/any_number.h"
#include "cann/tests/misuse.h"

namespace alng::test {
namespace {

aclrtEvent event() {
  aclrtEvent made = nullptr;
  aclrtCreateEvent(&made);
  return made;
}

aclrtEvent dead_event() {
  aclrtEvent made = event();
  aclrtDestroyEvent(made);
  return made;
}

aclrtStream dead_stream() {
  aclrtStream made = nullptr;
  aclrtCreateStream(&made);
  aclrtDestroyStream(made);
  return made;
}

void* anything() {
  static int something = 0;
  return &something;
}

int with_stream_status(aclrtStream stream) {
  aclrtStreamStatus status;
  return aclrtStreamQuery(stream, &status);
}

constexpr auto huge_first = ACL_MEM_MALLOC_HUGE_FIRST;

}  // namespace

std::vector<Misuse> misuse_of_runtime() {
  return {
      {"InitTwice", 100002, "aclInit: it was called before", [](Scene&) { return aclInit(nullptr); }},
      {"InitWithNoFile", 100000, "\"/no/such\" but there is no such file", [](Scene&) { return aclInit("/no/such"); }},
      {"FinalizeTwice", 100037, "aclFinalize: it was called before",
       [](Scene&) {
         aclFinalize();
         const int code = aclFinalize();
         const std::string kept = recent_message();
         aclInit(nullptr);
         aclFinalize();
         const int again = aclFinalize();
         aclInit(nullptr);
         return code == again ? again : -1;
       }},
      {"VersionNull", 100000, "patchVersion is null",
       [](Scene& s) { return aclrtGetVersion(&s.number, &s.number, nullptr); }},
      {"SetDeviceBeyond", 107001, "deviceId is 99 but must be 0 to ", [](Scene&) { return aclrtSetDevice(99); }},
      {"SetDeviceNegative", 107001, "deviceId is -1", [](Scene&) { return aclrtSetDevice(-1); }},
      {"ResetDeviceBeyond", 107001, "aclrtResetDevice: deviceId is 99", [](Scene&) { return aclrtResetDevice(99); }},
      {"ResetDeviceForceBeyond", 107001, "aclrtResetDeviceForce: deviceId",
       [](Scene&) { return aclrtResetDeviceForce(99); }},
      {"GetDeviceNull", 100000, "aclrtGetDevice: deviceId is null", [](Scene&) { return aclrtGetDevice(nullptr); }},
      {"GetDeviceCountNull", 100000, "count is null", [](Scene&) { return aclrtGetDeviceCount(nullptr); }},
      {"GetRunModeNull", 100000, "runMode is null", [](Scene&) { return aclrtGetRunMode(nullptr); }},
      {"CreateContextNull", 100000, "context is null", [](Scene&) { return aclrtCreateContext(nullptr, 0); }},
      {"CreateContextBeyond", 107001, "aclrtCreateContext: deviceId is 7",
       [](Scene& s) { return aclrtCreateContext(&s.made, 7); }},
      {"DestroyContextNull", 100000, "context is null", [](Scene&) { return aclrtDestroyContext(nullptr); }},
      {"DestroyContextForeign", 107017, "none of aclrtCreateContext",
       [](Scene&) { return aclrtDestroyContext(anything()); }},
      {"DestroyContextOfTheDevice", 107000, "goes by aclrtResetDevice",
       [](Scene&) {
         aclrtContext context = nullptr;
         aclrtGetCurrentContext(&context);
         return aclrtDestroyContext(context);
       }},
      {"SetCurrentContextNull", 100000, "context is null", [](Scene&) { return aclrtSetCurrentContext(nullptr); }},
      {"SetCurrentContextStream", 107017, "none of aclrtCreateContext",
       [](Scene& s) { return aclrtSetCurrentContext(s.stream.get()); }},
      {"GetCurrentContextNull", 100000, "context is null", [](Scene&) { return aclrtGetCurrentContext(nullptr); }},
      {"SetOptionUnknown", 100000, "opt is 4 but must be 0 to 3", [](Scene&) { return set_option(4, 0); }},
      {"SetOptionBeyond", 100000, "value is 4 but must be 0 to 3",
       [](Scene&) { return aclrtSetSysParamOpt(ACL_OPT_DETERMINISTIC, 4); }},
      {"SetContextOptionBeyond", 100000, "value is 2 but must be 0 to 1",
       [](Scene&) { return aclrtCtxSetSysParamOpt(ACL_OPT_STRONG_CONSISTENCY, 2); }},
      {"GetOptionNull", 100000, "aclrtGetSysParamOpt: value is null",
       [](Scene&) { return aclrtGetSysParamOpt(ACL_OPT_DETERMINISTIC, nullptr); }},
      {"GetContextOptionNull", 100000, "aclrtCtxGetSysParamOpt: value is null",
       [](Scene&) { return aclrtCtxGetSysParamOpt(ACL_OPT_DETERMINISTIC, nullptr); }},
      {"GetOptionUnknown", 100000, "opt is -1", [](Scene& s) { return get_option(-1, &s.value); }},
      {"CreateStreamNull", 100000, "stream is null", [](Scene&) { return aclrtCreateStream(nullptr); }},
      {"CreateStreamPriority", 100000, "priority is 8 but must be 0 to 7",
       [](Scene& s) { return aclrtCreateStreamWithConfig(&s.made, 8, 0); }},
      {"DestroyStreamNull", 100000, "aclrtDestroyStream: stream is null",
       [](Scene&) { return aclrtDestroyStream(nullptr); }},
      {"DestroyStreamTwice", 107003, "or is destroyed", [](Scene&) { return aclrtDestroyStream(dead_stream()); }},
      {"DestroyStreamForceForeign", 107003, "none of aclrtCreateStream",
       [](Scene&) { return aclrtDestroyStreamForce(anything()); }},
      {"SynchronizeDeadStream", 107003, "or is destroyed",
       [](Scene&) { return aclrtSynchronizeStream(dead_stream()); }},
      {"SynchronizeTimeoutNegative", 100000, "timeout is -2",
       [](Scene& s) { return aclrtSynchronizeStreamWithTimeout(s.stream.get(), -2); }},
      {"SynchronizeEventAsStream", 107003, "none of aclrtCreateStream",
       [](Scene&) { return aclrtSynchronizeStream(event()); }},
      {"StreamQueryNull", 100000, "status is null", [](Scene& s) { return aclrtStreamQuery(s.stream.get(), nullptr); }},
      {"StreamQueryDead", 107003, "or is destroyed", [](Scene&) { return with_stream_status(dead_stream()); }},
      {"FailureModeUnknown", 100000, "mode is 2 but must be 0 or 1",
       [](Scene& s) { return aclrtSetStreamFailureMode(s.stream.get(), 2); }},
      {"FailureModeOfDeadStream", 107003, "aclrtSetStreamFailureMode: stream is none",
       [](Scene&) { return aclrtSetStreamFailureMode(dead_stream(), ACL_STOP_ON_FAILURE); }},
      {"HostFunctionNull", 100000, "fn is null",
       [](Scene& s) { return aclrtLaunchHostFunc(s.stream.get(), nullptr, nullptr); }},
      {"HostFunctionInDeadStream", 107003, "aclrtLaunchHostFunc: stream is none",
       [](Scene&) {
         return aclrtLaunchHostFunc(
             dead_stream(), [](void*) {}, nullptr);
       }},
      {"CreateEventNull", 100000, "event is null", [](Scene&) { return aclrtCreateEvent(nullptr); }},
      {"CreateEventWithoutFlag", 100000, "flag is 0 but must be a sum of 1, 2 and 8",
       [](Scene& s) { return aclrtCreateEventWithFlag(&s.made, 0); }},
      {"CreateEventUnknownFlag", 100000, "flag is 4", [](Scene& s) { return aclrtCreateEventExWithFlag(&s.made, 4); }},
      {"DestroyEventNull", 100000, "event is null", [](Scene&) { return aclrtDestroyEvent(nullptr); }},
      {"DestroyEventTwice", 107017, "or is destroyed", [](Scene&) { return aclrtDestroyEvent(dead_event()); }},
      {"RecordDeadEvent", 107017, "aclrtRecordEvent: event is none",
       [](Scene& s) { return aclrtRecordEvent(dead_event(), s.stream.get()); }},
      {"RecordInDeadStream", 107003, "aclrtRecordEvent: stream is none",
       [](Scene&) { return aclrtRecordEvent(event(), dead_stream()); }},
      {"ResetDeadEvent", 107017, "aclrtResetEvent: event is none",
       [](Scene& s) { return aclrtResetEvent(dead_event(), s.stream.get()); }},
      {"SynchronizeEventNeverRecorded", 107000, "has not been recorded",
       [](Scene&) { return aclrtSynchronizeEvent(event()); }},
      {"QueryEventNull", 100000, "status is null", [](Scene&) { return aclrtQueryEventStatus(event(), nullptr); }},
      {"QueryEventWaitNull", 100000, "status is null",
       [](Scene&) { return aclrtQueryEventWaitStatus(event(), nullptr); }},
      {"WaitForDeadEvent", 107017, "aclrtStreamWaitEvent: event is none",
       [](Scene& s) { return aclrtStreamWaitEvent(s.stream.get(), dead_event()); }},
      {"WaitInDeadStream", 107003, "aclrtStreamWaitEvent: stream is none",
       [](Scene&) { return aclrtStreamWaitEvent(dead_stream(), event()); }},
      {"ElapsedNull", 100000, "ms is null", [](Scene&) { return aclrtEventElapsedTime(nullptr, event(), event()); }},
      {"ElapsedNeverRecorded", 107006, "startEvent is not complete",
       [](Scene& s) { return aclrtEventElapsedTime(&s.ms, event(), event()); }},
      {"MallocNothing", 100000, "size is 0 but must be at least 1",
       [](Scene& s) { return aclrtMalloc(&s.made, 0, huge_first); }},
      {"MallocNull", 100000, "devPtr is null", [](Scene&) { return aclrtMalloc(nullptr, 1, huge_first); }},
      {"MallocPolicy", 100000, "policy is 8 but must be 0 to 7",
       [](Scene& s) { return malloc_with_policy(&s.made, 1, 8); }},
      {"MallocEverything", 207001, "but device 0 has ",
       [](Scene& s) { return aclrtMallocAlign32(&s.made, SIZE_MAX / 2, huge_first); }},
      {"MallocHostNothing", 100000, "size is 0", [](Scene& s) { return aclrtMallocHost(&s.made, 0); }},
      {"FreeNull", 100000, "aclrtFree: devPtr is null", [](Scene&) { return aclrtFree(nullptr); }},
      {"FreeForeign", 107000, "no memory of this runtime", [](Scene&) { return aclrtFree(anything()); }},
      {"FreeInside", 107000, "8 bytes into a block of 64",
       [](Scene& s) { return aclrtFree(static_cast<char*>(s.memory.get()) + 8); }},
      {"FreeTwice", 107000, "which was freed",
       [](Scene&) {
         void* memory = nullptr;
         aclrtMalloc(&memory, 1 << 20, huge_first);
         aclrtFree(memory);
         return aclrtFree(memory);
       }},
      {"FreeHostOfDevice", 107000, "must be what aclrtMallocHost gave",
       [](Scene& s) { return aclrtFreeHost(s.memory.get()); }},
      {"MemcpyNullTo", 100000, "dst is null",
       [](Scene& s) { return aclrtMemcpy(nullptr, 1, s.host.data(), 1, ACL_MEMCPY_DEFAULT); }},
      {"MemcpyNullFrom", 100000, "src is null",
       [](Scene& s) { return aclrtMemcpy(s.host.data(), 1, nullptr, 1, ACL_MEMCPY_DEFAULT); }},
      {"MemcpyTooMuch", 100000, "count is 64 but must be at most destMax, 63",
       [](Scene& s) { return aclrtMemcpy(s.memory.get(), 63, s.host.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE); }},
      {"MemcpyKindTurned", 107000, "but all 64 bytes must be memory of the device",
       [](Scene& s) { return aclrtMemcpy(s.memory.get(), 64, s.host.data(), 64, ACL_MEMCPY_DEVICE_TO_HOST); }},
      {"MemcpyAsyncDeadStream", 107003, "aclrtMemcpyAsync: stream is none",
       [](Scene& s) {
         return aclrtMemcpyAsync(s.memory.get(), 64, s.host.data(), 64, ACL_MEMCPY_HOST_TO_DEVICE, dead_stream());
       }},
      {"MemsetHost", 107000, "must be memory of the device",
       [](Scene& s) { return aclrtMemset(s.host.data(), 64, 0, 64); }},
      {"MemsetTooMuch", 100000, "at most maxCount, 63",
       [](Scene& s) { return aclrtMemset(s.memory.get(), 63, 0, 64); }},
      {"MemsetAsyncNull", 100000, "devPtr is null",
       [](Scene& s) { return aclrtMemsetAsync(nullptr, 1, 0, 1, s.stream.get()); }},
      {"GetMemInfoNull", 100000, "total is null",
       [](Scene& s) { return aclrtGetMemInfo(ACL_HBM_MEM, &s.free, nullptr); }},
      {"GetMemInfoUnknown", 100000, "attr is 10", [](Scene& s) { return info_of_memory(10, &s.free, &s.total); }},
      {"ProductUnknown", 100000, "the product is \"Ascend\"", [](Scene&) { return alngCannSetProduct("Ascend"); }},
  };
}

}  // namespace alng::test
