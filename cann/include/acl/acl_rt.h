/* The runtime: devices, contexts, streams, events, memory. C99 and C++14.
 *
 * The CPU is device 0. All functions may be called from any number of threads. Every function returns ACL_SUCCESS or a
 * code; aclGetRecentErrMsg has the sentence. A handle that was never made, or is destroyed, is an error and never a
 * crash.
 *
 * ACL_ERROR_INVALID_PARAM                a null pointer, a number that could never be right
 * ACL_ERROR_RT_PARAM_INVALID             an address that is none of this runtime, an object in the wrong state
 * ACL_ERROR_RT_INVALID_DEVICEID          there is no such device
 * ACL_ERROR_RT_CONTEXT_NULL              this thread has no device, or the device is not set
 * ACL_ERROR_RT_STREAM_CONTEXT            no stream, or a destroyed one
 * ACL_ERROR_RT_EVENT_TIMESTAMP_INVALID   an event has no time, or not yet
 * ACL_ERROR_RT_INVALID_HANDLE            no event, context or physical memory, or a destroyed one
 * ACL_ERROR_RT_MEMORY_ALLOCATION         the device's memory ran out
 * ACL_ERROR_RT_FEATURE_NOT_SUPPORT       what is not here
 * ACL_ERROR_RT_FAILURE                   work of a stream failed or was thrown away; only synchronising calls return
 * it, ACL_ERROR_RT_AICORE_EXCEPTION          and this: an operator in a stream met memory that it must not touch
 * ACL_ERROR_RT_STREAM_SYNC_TIMEOUT       a wait with a time limit ended before the work did
 *
 * A child of fork has none of what its parent made: each call with it is refused with a sentence that says so. It may
 * use what it makes itself, after an aclrtSetDevice of its own. */
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

/* Flags of aclrtCreateStreamWithConfig, to be or-ed. */
#define ACL_STREAM_FAST_LAUNCH 0x00000001U
#define ACL_STREAM_FAST_SYNC 0x00000002U

/* The same. `priority`: 0 (first) to 7; `flag`: any. Both are hints without effect here. */
ACL_FUNC_VISIBILITY aclError aclrtCreateStreamWithConfig(aclrtStream* stream, uint32_t priority, uint32_t flag);

/* Finishes the work of `stream` and destroys it. An error of that work is returned. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStream(aclrtStream stream);

/* Destroys `stream`; queued work that has not begun is thrown away, and who waits for that gets an error. */
ACL_FUNC_VISIBILITY aclError aclrtDestroyStreamForce(aclrtStream stream);

/* Returns when all work given to `stream` so far is done, with the first error of that work, once. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStream(aclrtStream stream);

/* The same for at most `timeout` milliseconds, then ACL_ERROR_RT_STREAM_SYNC_TIMEOUT; -1: for as long as it takes. */
ACL_FUNC_VISIBILITY aclError aclrtSynchronizeStreamWithTimeout(aclrtStream stream, int32_t timeout);

/* `status`: receives whether all work given to `stream` so far is done. */
ACL_FUNC_VISIBILITY aclError aclrtStreamQuery(aclrtStream stream, aclrtStreamStatus* status);

/* Values of aclrtSetStreamFailureMode. */
#define ACL_CONTINUE_ON_FAILURE 0x00000000U
#define ACL_STOP_ON_FAILURE 0x00000001U

/* Whether work that is queued behind work that failed is done (0, at first so) or thrown away (1), until the error is
 * told by a synchronising call. */
ACL_FUNC_VISIBILITY aclError aclrtSetStreamFailureMode(aclrtStream stream, uint64_t mode);

typedef void (*aclrtHostFunc)(void* args);
/* `fn` is called with `args` as work of `stream`, in a thread of the runtime or in one that synchronises. It may block,
 * but not wait for its own stream, which is refused. A stream destroyed by force calls it no more. */
ACL_FUNC_VISIBILITY aclError aclrtLaunchHostFunc(aclrtStream stream, aclrtHostFunc fn, void* args);

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

/* Returns when the latest record of `event` is complete. An event never recorded is refused. A record that was thrown
 * away, because its stream was destroyed or its device reset by force, is ACL_ERROR_RT_FAILURE: here, in
 * aclrtQueryEventStatus, and in streams that wait for it. */
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
/* The same as work of `stream`. Where memory of the host is not aclrtMallocHost's it returns when the copy is made. */
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

/* Where memory is. `id`: the number of the device. */
typedef enum aclrtMemLocationType {
  ACL_MEM_LOCATION_TYPE_HOST = 0,
  ACL_MEM_LOCATION_TYPE_DEVICE = 1
} aclrtMemLocationType;
typedef struct aclrtMemLocation {
  uint32_t id;
  aclrtMemLocationType type;
} aclrtMemLocation;

/* Which way copies of a batch go. */
typedef struct aclrtMemcpyBatchAttr {
  aclrtMemLocation dstLoc;
  aclrtMemLocation srcLoc;
  uint8_t rsv[16];
} aclrtMemcpyBatchAttr;

/* `numBatches` copies as by aclrtMemcpy: of sizes[i] bytes from srcs[i] to dsts[i], of which destMaxs[i] may be
 * written. attrs[k] is for the copies from attrsIndexes[k] to below attrsIndexes[k + 1], the last for the rest. All are
 * judged before the first is made. `failIndex`: receives the number of the copy that is refused, SIZE_MAX where none
 * is. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpyBatch(void** dsts, size_t* destMaxs, void** srcs, size_t* sizes,
                                              size_t numBatches, aclrtMemcpyBatchAttr* attrs, size_t* attrsIndexes,
                                              size_t numAttrs, size_t* failIndex);
/* The same as work of `stream`; the arrays are not needed any more when it returns. */
ACL_FUNC_VISIBILITY aclError aclrtMemcpyBatchAsync(void** dsts, size_t* destMaxs, void** srcs, size_t* sizes,
                                                   size_t numBatches, aclrtMemcpyBatchAttr* attrs, size_t* attrsIndexes,
                                                   size_t numAttrs, size_t* failIndex, aclrtStream stream);

/* ---- virtual memory ---- */

/* Physical memory, to be mapped at addresses. */
typedef void* aclrtDrvMemHandle;

typedef enum aclrtMemHandleType { ACL_MEM_HANDLE_TYPE_NONE = 0 } aclrtMemHandleType;
typedef enum aclrtMemAllocationType { ACL_MEM_ALLOCATION_TYPE_PINNED = 0 } aclrtMemAllocationType;
typedef struct aclrtPhysicalMemProp {
  aclrtMemHandleType handleType;
  aclrtMemAllocationType allocationType;
  aclrtMemAttr memAttr;
  aclrtMemLocation location;
  uint64_t reserve;
} aclrtPhysicalMemProp;

typedef enum aclrtMemGranularityOptions {
  ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM = 0,
  ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED = 1
} aclrtMemGranularityOptions;

/* `granularity`: receives 2 MiB, of which sizes and addresses of the functions below are multiples. */
ACL_FUNC_VISIBILITY aclError aclrtMemGetAllocationGranularity(aclrtPhysicalMemProp* prop,
                                                              aclrtMemGranularityOptions option, size_t* granularity);

/* `virPtr`: receives the beginning of `size` addresses without memory, near `expectPtr` where the system can.
 * `alignment`: 0. `flags`: 0 or 1, a hint without effect here. */
ACL_FUNC_VISIBILITY aclError aclrtReserveMemAddress(void** virPtr, size_t size, size_t alignment, void* expectPtr,
                                                    uint64_t flags);
/* `virPtr`: what aclrtReserveMemAddress gave. Nothing is mapped there any more. */
ACL_FUNC_VISIBILITY aclError aclrtReleaseMemAddress(void* virPtr);

/* `handle`: receives `size` bytes of memory of the device that `prop` names, which count as in use. `flags`: 0. */
ACL_FUNC_VISIBILITY aclError aclrtMallocPhysical(aclrtDrvMemHandle* handle, size_t size,
                                                 const aclrtPhysicalMemProp* prop, uint64_t flags);
/* `handle`: what aclrtMallocPhysical gave. Memory that is mapped is freed when it is not any more. */
ACL_FUNC_VISIBILITY aclError aclrtFreePhysical(aclrtDrvMemHandle handle);

/* From `virPtr` on, within what is reserved, there is the memory of `handle`, all `size` bytes of it; it may be mapped
 * at several addresses. The range is device memory as aclrtMalloc's, and one with mapped ranges that follow it.
 * `offset`, `flags`: 0. */
ACL_FUNC_VISIBILITY aclError aclrtMapMem(void* virPtr, size_t size, size_t offset, aclrtDrvMemHandle handle,
                                         uint64_t flags);
/* `virPtr`: where memory was mapped. Waits for work that uses it at the moment. */
ACL_FUNC_VISIBILITY aclError aclrtUnmapMem(void* virPtr);

/* ---- settings of devices ---- */

/* `canAccessPeer`: receives 0: no device here reaches another's memory. */
ACL_FUNC_VISIBILITY aclError aclrtDeviceCanAccessPeer(int32_t* canAccessPeer, int32_t deviceId, int32_t peerDeviceId);
/* Refused, accordingly. */
ACL_FUNC_VISIBILITY aclError aclrtDeviceEnablePeerAccess(int32_t peerDeviceId, uint32_t flags);
ACL_FUNC_VISIBILITY aclError aclrtDeviceDisablePeerAccess(int32_t peerDeviceId);

/* What overflow gives: the largest number, or infinity and NaN. */
typedef enum aclrtFloatOverflowMode {
  ACL_RT_OVERFLOW_MODE_SATURATION = 0,
  ACL_RT_OVERFLOW_MODE_INFNAN = 1,
  ACL_RT_OVERFLOW_MODE_UNDEF = 2
} aclrtFloatOverflowMode;

/* `mode`: ACL_RT_OVERFLOW_MODE_INFNAN, which holds anyway; saturation is refused. */
ACL_FUNC_VISIBILITY aclError aclrtSetDeviceSatMode(aclrtFloatOverflowMode mode);
/* `mode`: receives ACL_RT_OVERFLOW_MODE_INFNAN. */
ACL_FUNC_VISIBILITY aclError aclrtGetDeviceSatMode(aclrtFloatOverflowMode* mode);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
