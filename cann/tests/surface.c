/* Every name of the interface, from C: compiled with -Wall -Wextra -Werror -pedantic, linked, and run. */
#include <stddef.h>
#include <stdio.h>

#include "acl/acl.h"
#include "acl/acl_base.h"
#include "acl/acl_base_rt.h"
#include "acl/acl_mdl.h"
#include "acl/acl_op.h"
#include "acl/acl_op_compiler.h"
#include "acl/acl_prof.h"
#include "acl/acl_rt.h"
#include "acl/error_codes/rt_error_codes.h"
#include "aclnn/acl_meta.h"
#include "aclnn/aclnn_base.h"
#include "aclnnop/aclnn_add_layer_norm_grad.h"
#include "alng_cann.h"

/* Their own types, so that each is checked against its declaration. */
struct surface {
  aclError (*init)(const char*);
  aclError (*finalize)(void);
  aclError (*set_device)(int32_t);
  aclError (*malloc_device)(void**, size_t, aclrtMemMallocPolicy);
  aclError (*free_device)(void*);
  aclError (*copy)(void*, size_t, const void*, size_t, aclrtMemcpyKind);
  const char* (*message)(void);
  aclTensor* (*create_tensor)(const int64_t*, uint64_t, aclDataType, const int64_t*, int64_t, aclFormat, const int64_t*,
                              uint64_t, void*);
  aclnnStatus (*destroy_tensor)(const aclTensor*);
  aclnnStatus (*second_phase)(void*, uint64_t, aclOpExecutor*, aclrtStream);
};

typedef void (*any_function)(void);

int main(void) {
  static const struct surface surface = {aclInit,          aclFinalize,          aclrtSetDevice,     aclrtMalloc,
                                         aclrtFree,        aclrtMemcpy,          aclGetRecentErrMsg, aclCreateTensor,
                                         aclDestroyTensor, aclnnAddLayerNormGrad};
#define NAME(function) (any_function)(function)
  const any_function all[] = {
#include "surface_names.inc"
  };
#undef NAME
  const int codes[] = {ACL_SUCCESS,
                       ACL_ERROR_NONE,
                       ACL_ERROR_INVALID_PARAM,
                       ACL_ERROR_UNINITIALIZE,
                       ACL_ERROR_REPEAT_INITIALIZE,
                       ACL_ERROR_REPEAT_FINALIZE,
                       ACL_ERROR_BAD_ALLOC,
                       ACL_ERROR_INTERNAL_ERROR,
                       ACL_ERROR_FAILURE,
                       OK,
                       ACLNN_SUCCESS,
                       ACLNN_ERR_PARAM_NULLPTR};
  int64_t extent = 2;
  aclTensor* tensor;
  aclFormat format = ACL_FORMAT_UNDEFINED;
  size_t i;
  for (i = 0; i < sizeof all / sizeof *all; ++i) {
    if (all[i] == NULL) return 1;
  }
  if (codes[2] != 100000 || codes[0] != 0 || codes[9] != 0) return 1;
  if (surface.init(NULL) != ACL_SUCCESS || surface.set_device(0) != ACL_SUCCESS) return 1;
  tensor = surface.create_tensor(&extent, 1, ACL_FLOAT, NULL, 0, ACL_FORMAT_ND, &extent, 1, NULL);
  if (aclGetFormat(tensor, &format) != OK || format != ACL_FORMAT_ND) return 1;
  if (surface.destroy_tensor(tensor) != OK) return 1;
  if (aclrtResetDevice(0) != ACL_SUCCESS || surface.finalize() != ACL_SUCCESS) return 1;
  printf("%u functions\n", (unsigned)(sizeof all / sizeof *all));
  return 0;
}
