/* aclnn's own beginning and end. C99 and C++14. */
#ifndef ALNG_CANN_ACLNN_BASE_H
#define ALNG_CANN_ACLNN_BASE_H

#include "aclnn/acl_meta.h"

/* NOLINTBEGIN(readability-identifier-naming, modernize-deprecated-headers) */

#ifdef __cplusplus
extern "C" {
#endif

/* Optional. `configPath`: as for aclInit. */
ACL_FUNC_VISIBILITY aclnnStatus aclnnInit(const char* configPath);

/* Optional. */
ACL_FUNC_VISIBILITY aclnnStatus aclnnFinalize(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
