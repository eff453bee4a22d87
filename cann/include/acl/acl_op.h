/* CANN's header of single operators by name. Operators are called by aclnn here; this is for programs that include it.
 */
#ifndef ALNG_CANN_ACL_OP_H
#define ALNG_CANN_ACL_OP_H

#include "acl/acl_base.h"
#include "acl/acl_rt.h"

/* NOLINTBEGIN(readability-identifier-naming, modernize-deprecated-headers) */

typedef struct aclTensorDesc aclTensorDesc;
typedef struct aclDataBuffer aclDataBuffer;
typedef struct aclopAttr aclopAttr;
typedef enum aclEngineType { ACL_ENGINE_SYS = 0, ACL_ENGINE_AICORE = 1, ACL_ENGINE_VECTOR = 2 } aclopEngineType;

/* NOLINTEND(readability-identifier-naming, modernize-deprecated-headers) */

#endif
