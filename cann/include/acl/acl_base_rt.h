/* What every header here starts from: results, their codes, and the handles of the runtime. C99 and C++14. */
#ifndef ALNG_CANN_ACL_BASE_RT_H
#define ALNG_CANN_ACL_BASE_RT_H

/* Names and casts are CANN's, and the header is C as well. */
/* NOLINTBEGIN(readability-identifier-naming, modernize-deprecated-headers) */

#include <stddef.h>
#include <stdint.h>

#include "acl/error_codes/rt_error_codes.h"

#if defined(__GNUC__)
#define ACL_FUNC_VISIBILITY __attribute__((visibility("default")))
#else
#define ACL_FUNC_VISIBILITY
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a call answers: ACL_SUCCESS, or one of the codes below and of acl/error_codes/rt_error_codes.h. The sentence
 * that goes with it: aclGetRecentErrMsg. */
typedef int aclError;

static const int ACL_SUCCESS = 0;
static const int ACL_ERROR_NONE = 0;
/* A null pointer where one is needed, a size or kind out of range. */
static const int ACL_ERROR_INVALID_PARAM = 100000;
/* aclFinalize without aclInit. */
static const int ACL_ERROR_UNINITIALIZE = 100001;
static const int ACL_ERROR_REPEAT_INITIALIZE = 100002;
static const int ACL_ERROR_REPEAT_FINALIZE = 100037;
/* Memory of the host ran out. */
static const int ACL_ERROR_BAD_ALLOC = 200000;
static const int ACL_ERROR_API_NOT_SUPPORT = 200001;
static const int ACL_ERROR_INVALID_DEVICE = 200002;
static const int ACL_ERROR_STORAGE_OVER_LIMIT = 300000;
static const int ACL_ERROR_INTERNAL_ERROR = 500000;
static const int ACL_ERROR_FAILURE = 500001;
/* Work in a stream failed, or was thrown away. */
static const int ACL_ERROR_RT_FAILURE = 500003;

/* An in-order queue of work. Null means the current context's own stream wherever a stream is asked for. */
typedef void* aclrtStream;
/* A mark in a stream. */
typedef void* aclrtEvent;
/* A device, with its own stream and options, that threads can make current. */
typedef void* aclrtContext;

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
