// The interface's numbers and exact types, from C++14; and, as frameworks do it, dlopen and dlsym of every function
// under every link name. Usage: surface_cpp FOLDER-OF-THE-LINK-NAMES
#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <type_traits>

#include "acl/acl.h"
#include "acl/acl_op_compiler.h"
#include "acl/acl_prof.h"
#include "acl/error_codes/rt_error_codes.h"
#include "aclnn/acl_meta.h"
#include "aclnn/aclnn_base.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"
#include "alng_cann.h"

#define SAME(function, ...) static_assert(std::is_same<decltype(&function), __VA_ARGS__>::value, #function)
#define IS(name, number) static_assert(static_cast<int>(name) == (number), #name)

static_assert(std::is_same<aclError, int>::value && std::is_same<aclnnStatus, int32_t>::value, "codes");
static_assert(std::is_same<aclrtStream, void*>::value && std::is_same<aclrtEvent, void*>::value &&
                  std::is_same<aclrtContext, void*>::value && std::is_same<aclFloat16, uint16_t>::value,
              "handles");
static_assert(OK == 0, "usable in constant expressions");

SAME(aclrtFree, aclError (*)(void*));
SAME(aclDestroyTensor, aclnnStatus (*)(const aclTensor*));
SAME(aclDestroyScalar, aclnnStatus (*)(const aclScalar*));
SAME(aclDestroyIntArray, aclnnStatus (*)(const aclIntArray*));
SAME(aclDestroyTensorList, aclnnStatus (*)(const aclTensorList*));
SAME(aclDestroyAclOpExecutor, aclnnStatus (*)(aclOpExecutor*));
SAME(aclSetAclOpExecutorRepeatable, aclnnStatus (*)(aclOpExecutor*));
SAME(aclSetTensorAddr, aclnnStatus (*)(aclOpExecutor*, const size_t, aclTensor*, void*));
SAME(AclSetTensorAddr, aclnnStatus (*)(aclOpExecutor*, const size_t, aclTensor*, void*));
SAME(AclSetDynamicInputTensorAddr, aclnnStatus (*)(aclOpExecutor*, size_t, const size_t, aclTensorList*, void*));
SAME(aclSetDynamicInputTensorAddr, aclnnStatus (*)(aclOpExecutor*, size_t, const size_t, aclTensorList*, void*));
SAME(aclCreateTensor, aclTensor* (*)(const int64_t*, uint64_t, aclDataType, const int64_t*, int64_t, aclFormat,
                                     const int64_t*, uint64_t, void*));
SAME(aclCreateScalar, aclScalar* (*)(void*, aclDataType));
SAME(aclCreateIntArray, aclIntArray* (*)(const int64_t*, uint64_t));
SAME(aclCreateBoolArray, aclBoolArray* (*)(const bool*, uint64_t));
SAME(aclCreateTensorList, aclTensorList* (*)(const aclTensor* const*, uint64_t));
SAME(aclrtMalloc, aclError (*)(void**, size_t, aclrtMemMallocPolicy));
SAME(aclrtMemcpy, aclError (*)(void*, size_t, const void*, size_t, aclrtMemcpyKind));
SAME(aclrtMemsetAsync, aclError (*)(void*, size_t, int32_t, size_t, aclrtStream));
SAME(aclrtCreateStreamWithConfig, aclError (*)(aclrtStream*, uint32_t, uint32_t));
SAME(aclrtSynchronizeStreamWithTimeout, aclError (*)(aclrtStream, int32_t));
SAME(aclrtEventElapsedTime, aclError (*)(float*, aclrtEvent, aclrtEvent));
SAME(aclrtGetMemInfo, aclError (*)(aclrtMemAttr, size_t*, size_t*));
SAME(aclrtCtxSetSysParamOpt, aclError (*)(aclSysParamOpt, int64_t));
SAME(aclrtLaunchHostFunc, aclError (*)(aclrtStream, void (*)(void*), void*));
SAME(aclrtSetStreamFailureMode, aclError (*)(aclrtStream, uint64_t));
SAME(aclrtReserveMemAddress, aclError (*)(void**, size_t, size_t, void*, uint64_t));
SAME(aclrtReleaseMemAddress, aclError (*)(void*));
SAME(aclrtMallocPhysical, aclError (*)(aclrtDrvMemHandle*, size_t, const aclrtPhysicalMemProp*, uint64_t));
SAME(aclrtFreePhysical, aclError (*)(aclrtDrvMemHandle));
SAME(aclrtMapMem, aclError (*)(void*, size_t, size_t, aclrtDrvMemHandle, uint64_t));
SAME(aclrtUnmapMem, aclError (*)(void*));
SAME(aclrtMemGetAllocationGranularity, aclError (*)(aclrtPhysicalMemProp*, aclrtMemGranularityOptions, size_t*));
SAME(aclrtMemcpyBatch,
     aclError (*)(void**, size_t*, void**, size_t*, size_t, aclrtMemcpyBatchAttr*, size_t*, size_t, size_t*));
SAME(aclrtMemcpyBatchAsync, aclError (*)(void**, size_t*, void**, size_t*, size_t, aclrtMemcpyBatchAttr*, size_t*,
                                         size_t, size_t*, aclrtStream));
SAME(aclrtDeviceCanAccessPeer, aclError (*)(int32_t*, int32_t, int32_t));
SAME(aclrtDeviceEnablePeerAccess, aclError (*)(int32_t, uint32_t));
SAME(aclrtDeviceDisablePeerAccess, aclError (*)(int32_t));
SAME(aclrtSetDeviceSatMode, aclError (*)(aclrtFloatOverflowMode));
SAME(aclrtGetDeviceSatMode, aclError (*)(aclrtFloatOverflowMode*));
static_assert(std::is_same<aclrtDrvMemHandle, void*>::value && sizeof(aclrtMemcpyBatchAttr) == 32, "layouts");
SAME(aclGetRecentErrMsg, const char* (*)());
SAME(aclnnAddLayerNormGrad, aclnnStatus (*)(void*, uint64_t, aclOpExecutor*, aclrtStream));
SAME(aclnnAddLayerNormGradGetWorkspaceSize,
     aclnnStatus (*)(const aclTensor*, const aclTensor*, const aclTensor*, const aclTensor*, const aclTensor*,
                     const aclTensor*, const aclTensor*, const aclTensor*, const aclTensor*, const aclTensor*,
                     uint64_t*, aclOpExecutor**));

IS(ACL_DT_UNDEFINED, -1);
IS(ACL_FLOAT, 0);
IS(ACL_FLOAT16, 1);
IS(ACL_INT32, 3);
IS(ACL_INT64, 9);
IS(ACL_DOUBLE, 11);
IS(ACL_BOOL, 12);
IS(ACL_COMPLEX64, 16);
IS(ACL_BF16, 27);
IS(ACL_HIFLOAT8, 34);
IS(ACL_FLOAT4_E1M2, 41);
IS(ACL_FORMAT_NCHW, 0);
IS(ACL_FORMAT_NHWC, 1);
IS(ACL_FORMAT_ND, 2);
IS(ACL_FORMAT_FRACTAL_NZ, 29);
IS(ACL_FORMAT_NCDHW, 30);
IS(ACL_FORMAT_NCL, 47);
IS(ACL_MEM_MALLOC_HUGE_FIRST, 0);
IS(ACL_MEM_MALLOC_HUGE1G_ONLY_P2P, 7);
IS(ACL_MEMCPY_HOST_TO_DEVICE, 1);
IS(ACL_MEMCPY_DEVICE_TO_HOST, 2);
IS(ACL_MEMCPY_DEFAULT, 4);
IS(ACL_OPT_DETERMINISTIC, 0);
IS(ACL_OPT_KERNEL_EARLY_START, 3);
IS(ACL_STREAM_FAST_LAUNCH, 1);
IS(ACL_STREAM_FAST_SYNC, 2);
IS(ACL_CONTINUE_ON_FAILURE, 0);
IS(ACL_STOP_ON_FAILURE, 1);
IS(ACL_MEM_LOCATION_TYPE_HOST, 0);
IS(ACL_MEM_LOCATION_TYPE_DEVICE, 1);
IS(ACL_MEM_HANDLE_TYPE_NONE, 0);
IS(ACL_MEM_ALLOCATION_TYPE_PINNED, 0);
IS(ACL_RT_MEM_ALLOC_GRANULARITY_MINIMUM, 0);
IS(ACL_RT_MEM_ALLOC_GRANULARITY_RECOMMENDED, 1);
IS(ACL_RT_OVERFLOW_MODE_SATURATION, 0);
IS(ACL_RT_OVERFLOW_MODE_INFNAN, 1);
IS(ACL_EVENT_SYNC, 1);
IS(ACL_EVENT_CAPTURE_STREAM_PROGRESS, 2);
IS(ACL_EVENT_TIME_LINE, 8);
IS(ACL_EVENT_RECORDED_STATUS_COMPLETE, 1);

namespace {

struct Number {
  const char* name;
  int is, must_be;
};

// Not constant expressions in every compiler: static const int of a header.
bool numbers_are_right() {
#define NUMBER(name, number) \
  { #name, name, number }
  const Number numbers[] = {NUMBER(ACL_SUCCESS, 0),
                            NUMBER(ACL_ERROR_INVALID_PARAM, 100000),
                            NUMBER(ACL_ERROR_UNINITIALIZE, 100001),
                            NUMBER(ACL_ERROR_REPEAT_INITIALIZE, 100002),
                            NUMBER(ACL_ERROR_REPEAT_FINALIZE, 100037),
                            NUMBER(ACL_ERROR_BAD_ALLOC, 200000),
                            NUMBER(ACL_ERROR_API_NOT_SUPPORT, 200001),
                            NUMBER(ACL_ERROR_INVALID_DEVICE, 200002),
                            NUMBER(ACL_ERROR_STORAGE_OVER_LIMIT, 300000),
                            NUMBER(ACL_ERROR_INTERNAL_ERROR, 500000),
                            NUMBER(ACL_ERROR_FAILURE, 500001),
                            NUMBER(ACL_ERROR_RT_FAILURE, 500003),
                            NUMBER(ACL_ERROR_RT_PARAM_INVALID, 107000),
                            NUMBER(ACL_ERROR_RT_INVALID_DEVICEID, 107001),
                            NUMBER(ACL_ERROR_RT_CONTEXT_NULL, 107002),
                            NUMBER(ACL_ERROR_RT_STREAM_CONTEXT, 107003),
                            NUMBER(ACL_ERROR_RT_INVALID_HANDLE, 107017),
                            NUMBER(ACL_ERROR_RT_FEATURE_NOT_SUPPORT, 207000),
                            NUMBER(ACL_ERROR_RT_MEMORY_ALLOCATION, 207001),
                            NUMBER(ACL_ERROR_RT_SOCKET_CLOSE, 507901),
                            NUMBER(ACL_ERROR_RT_AICORE_EXCEPTION, 507015),
                            NUMBER(ACL_ERROR_RT_VECTOR_CORE_EXCEPTION, 507035),
                            NUMBER(ACLNN_SUCCESS, 0),
                            NUMBER(ACLNN_ERR_PARAM_NULLPTR, 161001),
                            NUMBER(ACLNN_ERR_PARAM_INVALID, 161002),
                            NUMBER(ACLNN_ERR_RUNTIME_ERROR, 361001),
                            NUMBER(ACLNN_ERR_INNER, 561000),
                            NUMBER(ACLNN_ERR_INNER_INFERSHAPE_ERROR, 561001),
                            NUMBER(ACLNN_ERR_INNER_TILING_ERROR, 561002),
                            NUMBER(ACLNN_ERR_INNER_FIND_KERNEL_ERROR, 561003),
                            NUMBER(ACLNN_ERR_INNER_CREATE_EXECUTOR, 561101),
                            NUMBER(ACLNN_ERR_INNER_NOT_TRANS_EXECUTOR, 561102),
                            NUMBER(ACLNN_ERR_INNER_NULLPTR, 561103)};
#undef NUMBER
  for (const Number& number : numbers) {
    if (number.is == number.must_be) continue;
    std::printf("%s is %d but must be %d\n", number.name, number.is, number.must_be);
    return false;
  }
  return true;
}

bool exports_everything(const std::string& path) {
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return false;
  }
#define NAME(function) #function
  const char* const names[] = {
#include "surface_names.inc"
  };
#undef NAME
  for (const char* name : names) {
    if (dlsym(library, name) != nullptr) continue;
    std::printf("%s has no %s\n", path.c_str(), name);
    return false;
  }
  // One runtime, whatever name it came by.
  const bool one = dlsym(library, "aclInit") == reinterpret_cast<void*>(&aclInit);
  if (!one) std::printf("%s is another library than the one this program is linked to\n", path.c_str());
  return dlclose(library) == 0 && one;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !numbers_are_right()) return 1;
  for (const char* name : {"ascendcl", "acl_rt", "nnopbase", "opapi", "opapi_nn", "opapi_math", "cust_opapi", "graph",
                           "ge_runner", "graph_base", "ge_compiler"}) {
    if (!exports_everything(std::string(argv[1]) + "/lib" + name + ".so")) return 1;
  }
  // Deleters as programs write them.
  const int64_t extent = 2;
  const std::unique_ptr<aclTensor, aclnnStatus (*)(const aclTensor*)> tensor(
      aclCreateTensor(&extent, 1, ACL_FLOAT, nullptr, 0, ACL_FORMAT_ND, &extent, 1, nullptr), aclDestroyTensor);
  const std::unique_ptr<void, aclError (*)(void*)> memory(nullptr, aclrtFree);
  std::printf("every name under every link name\n");
  return tensor != nullptr ? 0 : 1;
}
