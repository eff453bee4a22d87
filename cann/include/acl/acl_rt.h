/* The runtime: devices, contexts, streams, events, memory. C99 and C++14.
 *
 * The CPU is device 0. Every function returns ACL_SUCCESS or a code of acl_base_rt.h; aclGetRecentErrMsg has the
 * sentence. A handle that was never made, or is destroyed, is an error (ACL_ERROR_INVALID_PARAM) and never a crash.
 * All functions may be called from any number of threads. */
#ifndef ALNG_CANN_ACL_RT_H
#define ALNG_CANN_ACL_RT_H

#include "acl/acl_base.h"
#include "acl/acl_base_rt.h"

/* NOLINTBEGIN(readability-identifier-naming, modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- process ---- */

/* `configPath`: a file to read options from, which must exist and is not read here; may be null or empty. A second call
 * without aclFinalize between: ACL_ERROR_REPEAT_INITIALIZE. ALNG_SOC in the environment names the product to stand for;
 * one that is not known is refused here. */
ACL_FUNC_VISIBILITY aclError aclInit(const char* configPath);

/* Ends what aclInit began; aclInit may follow again. A second call: ACL_ERROR_REPEAT_FINALIZE; without aclInit:
 * ACL_ERROR_UNINITIALIZE. With ALNG_CANN_DEBUG=1 in the environment, what was never freed is listed on stderr. */
ACL_FUNC_VISIBILITY aclError aclFinalize(void);

/* The version of this interface. None of the three may be null. */
ACL_FUNC_VISIBILITY aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion);

/* The product this runtime stands for, as ALNG_SOC (or alngCannSetProduct) names it; "alng" where nothing does. Null
 * where ALNG_SOC names no product that is known. Lives until the next alngCannSetProduct. */
ACL_FUNC_VISIBILITY const char* aclrtGetSocName(void);

/* ---- devices and contexts ---- */

/* Where this code runs: on the device, or on its host. */
typedef enum aclrtRunMode { ACL_DEVICE = 0, ACL_HOST = 1 } aclrtRunMode;

/* Makes a device's own context this thread's current one. `deviceId`: 0 for the CPU. Calls are counted, each to be
 * matched by aclrtResetDevice. */
ACL_FUNC_VISIBILITY aclError aclrtSetDevice(int32_t deviceId);

/* Undoes one aclrtSetDevice. The last one finishes the device's streams, then destroys its contexts, streams and
 * memory. `deviceId`: as given to aclrtSetDevice. */
ACL_FUNC_VISIBILITY aclError aclrtResetDevice(int32_t deviceId);

/* The same at once, however often the device was set; queued work that has not begun is dropped. */
ACL_FUNC_VISIBILITY aclError aclrtResetDeviceForce(int32_t deviceId);

/* `deviceId`: receives the device of this thread's context. */
ACL_FUNC_VISIBILITY aclError aclrtGetDevice(int32_t* deviceId);

/* `count`: receives how many devices there are. */
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceCount(uint32_t* count);

/* `runMode`: receives ACL_HOST. */
ACL_FUNC_VISIBILITY aclError aclrtGetRunMode(aclrtRunMode* runMode);

/* `context`: receives a new context of `deviceId`, which becomes this thread's current one. */
ACL_FUNC_VISIBILITY aclError aclrtCreateContext(aclrtContext* context, int32_t deviceId);

/* `context`: one of aclrtCreateContext; aclrtSetDevice's goes by aclrtResetDevice. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyContext(aclrtContext context);

/* `context`: becomes this thread's current one. */
ACL_FUNC_VISIBILITY aclError aclrtSetCurrentContext(aclrtContext context);

/* `context`: receives this thread's current one. */
ACL_FUNC_VISIBILITY aclError aclrtGetCurrentContext(aclrtContext* context);

/* Options of the whole process, or of the current context. */
typedef enum aclSysParamOpt {
  /* 0 off, 1 on, 2 strong consistency, 3 batch. Remembered; results are the same bits in every case. */
  ACL_OPT_DETERMINISTIC = 0,
  ACL_OPT_ENABLE_DEBUG_KERNEL = 1,
  ACL_OPT_STRONG_CONSISTENCY = 2,
  ACL_OPT_KERNEL_EARLY_START = 3
} aclSysParamOpt;

/* `value`: 0 or 1, for ACL_OPT_DETERMINISTIC up to 3. */
ACL_FUNC_VISIBILITY aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t value);
/* `value`: receives what was set, else 0. */
ACL_FUNC_VISIBILITY aclError aclrtGetSysParamOpt(aclSysParamOpt opt, int64_t* value);
/* The same for the current context; where nothing was set for it, the process's value holds. */
ACL_FUNC_VISIBILITY aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t value);
ACL_FUNC_VISIBILITY aclError aclrtCtxGetSysParamOpt(aclSysParamOpt opt, int64_t* value);

/* ---- streams ---- */

typedef enum aclrtStreamStatus {
  ACL_STREAM_STATUS_COMPLETE = 0,
  ACL_STREAM_STATUS_NOT_READY = 1,
  ACL_STREAM_STATUS_RESERVED = 0xFFFF
} aclrtStreamStatus;

/* `stream`: receives a new stream of the current context. */
ACL_FUNC_VISIBILITY aclError aclrtCreateStream(aclrtStream* stream);

/* The same. `priority`: 0 (first) to 7; `flag`: any. Both are hints without effect here. */
ACL_FUNC_VISIBILITY aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority, uint32_t flag);

/* Finishes the work of `stream` and destroys it. An error of that work is returned. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStream(aclrtStream stream);

/* Destroys `stream`; queued work that has not begun is dropped. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStreamForce(aclrtStream stream);

/* Returns when all work given to `stream` so far is done, with the first error of that work, once. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStream(aclrtStream stream);

/* The same for at most `timeout` milliseconds, then ACL_ERROR_RT_FAILURE; -1: for as long as it takes. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout);

/* `status`: receives whether all work given to `stream` so far is done. */
ACL_FUNC_VISIBILITY aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status);

/* All streams of this thread's device. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeDevice(void);

/* ---- events ---- */

/* Flags of aclrtCreateEventWithFlag, to be or-ed. */
#define ACL_EVENT_SYNC 0x00000001U
#define ACL_EVENT_CAPTURE_STREAM_PROGRESS 0x00000002U
#define ACL_EVENT_TIME_LINE 0x00000008U

typedef enum aclrtEventRecordedStatus {
  ACL_EVENT_RECORDED_STATUS_NOT_READY = 0,
  ACL_EVENT_RECORDED_STATUS_COMPLETE = 1
} aclrtEventRecordedStatus;

typedef enum aclrtEventWaitStatus {
  ACL_EVENT_WAIT_STATUS_COMPLETE = 0,
  ACL_EVENT_WAIT_STATUS_NOT_READY = 1,
  ACL_EVENT_WAIT_STATUS_RESERVED = 0xFFFF
} aclrtEventWaitStatus;

/* `event`: receives a new event with every ability. */
ACL_FUNC_VISIBILITY aclError aclrtCreateEvent(aclrtEvent* event);
/* `flag`: one or more of the flags above; without ACL_EVENT_TIME_LINE the event takes no time. */
ACL_FUNC_VISIBILITY aclError aclrtCreateEventWithFlag(aclrtEvent* event, uint32_t flag);
ACL_FUNC_VISIBILITY aclError aclrtCreateEventExWithFlag(aclrtEvent* event, uint32_t flag);

/* What was recorded still takes effect; a stream that waits for a record that nobody has queued gets an error. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyEvent(aclrtEvent event);

/* `event` is complete when all work given to `stream` so far is done. Recording again starts anew. */
ACL_FUNC_VISIBILITY aclError aclrtRecordEvent(aclrtEvent event, aclrtStream stream);

/* `event` is as if it had never been recorded; waits queued before keep what they wait for. `stream`: one in which
 * `event` was used. */
ACL_FUNC_VISIBILITY aclError aclrtResetEvent(aclrtEvent event, aclrtStream stream);

/* Returns when the latest record of `event` is complete. One never recorded: ACL_ERROR_INVALID_PARAM. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeEvent(aclrtEvent event);

/* `status`: receives whether the latest record of `event` is complete. */
ACL_FUNC_VISIBILITY aclError aclrtQueryEventStatus(aclrtEvent event, aclrtEventRecordedStatus* status);

/* `status`: receives whether all streams told so far to wait for `event` have done so. */
ACL_FUNC_VISIBILITY aclError aclrtQueryEventWaitStatus(aclrtEvent event, aclrtEventWaitStatus* status);

/* Work given to `stream` from now on begins when the latest record of `event` is complete; of an event not recorded
 * yet, the next one. */
ACL_FUNC_VISIBILITY aclError aclrtStreamWaitEvent(aclrtStream stream, aclrtEvent event);

/* `ms`: receives the milliseconds from `startEvent` to `endEvent`; both are complete and take time. */
ACL_FUNC_VISIBILITY aclError aclrtEventElapsedTime(float* ms, aclrtEvent startEvent, aclrtEvent endEvent);

/* ---- memory ---- */

/* Where device memory shall come from. A hint without effect here. */
typedef enum aclrtMemMallocPolicy {
  ACL_MEM_MALLOC_HUGE_FIRST = 0,
  ACL_MEM_MALLOC_HUGE_ONLY = 1,
  ACL_MEM_MALLOC_NORMAL_ONLY = 2,
  ACL_MEM_MALLOC_HUGE_FIRST_P2P = 3,
  ACL_MEM_MALLOC_HUGE_ONLY_P2P = 4,
  ACL_MEM_MALLOC_NORMAL_ONLY_P2P = 5,
  ACL_MEM_MALLOC_HUGE1G_ONLY = 6,
  ACL_MEM_MALLOC_HUGE1G_ONLY_P2P = 7
} aclrtMemMallocPolicy;

typedef enum aclrtMemcpyKind {
  ACL_MEMCPY_HOST_TO_HOST = 0,
  ACL_MEMCPY_HOST_TO_DEVICE = 1,
  ACL_MEMCPY_DEVICE_TO_HOST = 2,
  ACL_MEMCPY_DEVICE_TO_DEVICE = 3,
  ACL_MEMCPY_DEFAULT = 4
} aclrtMemcpyKind;

/* The memory aclrtGetMemInfo is asked about. There is one kind here, whatever is asked for. */
typedef enum aclrtMemAttr {
  ACL_DDR_MEM = 0,
  ACL_HBM_MEM = 1,
  ACL_DDR_MEM_HUGE = 2,
  ACL_DDR_MEM_NORMAL = 3,
  ACL_HBM_MEM_HUGE = 4,
  ACL_HBM_MEM_NORMAL = 5,
  ACL_DDR_MEM_P2P_HUGE = 6,
  ACL_DDR_MEM_P2P_NORMAL = 7,
  ACL_HBM_MEM_P2P_HUGE = 8,
  ACL_HBM_MEM_P2P_NORMAL = 9
} aclrtMemAttr;

/* `devPtr`: receives `size` bytes (0 is refused) of the current device's memory, aligned to 64, contents unspecified.
 */
ACL_FUNC_VISIBILITY aclError aclrtMalloc(void** devPtr, size_t size, aclrtMemMallocPolicy policy);
/* The same. */
ACL_FUNC_VISIBILITY aclError aclrtMallocAlign32(void** devPtr, size_t size, aclrtMemMallocPolicy policy);
ACL_FUNC_VISIBILITY aclError aclrtMallocCached(void** devPtr, size_t size, aclrtMemMallocPolicy policy);

/* `devPtr`: what aclrtMalloc gave, not freed yet. Work that runs at the moment keeps what it uses until it is done;
 * work that begins later fails. */
ACL_FUNC_VISIBILITY aclError aclrtFree(void* devPtr);

/* `hostPtr`: receives `size` bytes (0 is refused) of host memory, aligned to 64. */
ACL_FUNC_VISIBILITY aclError aclrtMallocHost(void** hostPtr, size_t size);
/* `hostPtr`: what aclrtMallocHost gave, not freed yet. */
ACL_FUNC_VISIBILITY aclError aclrtFreeHost(void* hostPtr);

/* Copies `count` bytes from `src` to `dst`, of which `destMax` may be written. `kind` is checked: a side that is the
 * device's must lie within one block of aclrtMalloc, a side that is the host's outside all of them. ACL_MEMCPY_DEFAULT
 * finds out. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpy(void* dst, size_t destMax, const void* src, size_t count,
                                         aclrtMemcpyKind kind);
/* The same as work of `stream`. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpyAsync(void* dst, size_t destMax, const void* src, size_t count,
                                              aclrtMemcpyKind kind, aclrtStream stream);

/* Fills `count` bytes of device memory at `devPtr`, of which `maxCount` may be written, with the low byte of `value`.
 */
ACL_FUNC_VISIBILITY aclError aclrtMemset(void* devPtr, size_t maxCount, int32_t value, size_t count);
/* The same as work of `stream`. */
ACL_FUNC_VISIBILITY aclError aclrtMemsetAsync(void* devPtr, size_t maxCount, int32_t value, size_t count,
                                              aclrtStream stream);

/* `free`, `total`: receive bytes of the device's memory: what aclrtMalloc has left, and all. */
ACL_FUNC_VISIBILITY aclError aclrtGetMemInfo(aclrtMemAttr attr, size_t* free, size_t* total);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
