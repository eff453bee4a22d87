/* What CANN itself does not have: how to tell this runtime what it stands for. C99 and C++14. */
#ifndef ALNG_CANN_H
#define ALNG_CANN_H

#include "acl/acl_base_rt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The product to stand for from now on, in all threads: the name of a chip that begins with Ascend950PR, Ascend950DT,
 * Ascend910_93 (Atlas A3), Ascend910B (Atlas A2) or Ascend310P, such as "Ascend910B3"; "alng": none of them, everything
 * is allowed; null: what ALNG_SOC in the environment says, else "alng". ACL_ERROR_INVALID_PARAM for any other name. */
ACL_FUNC_VISIBILITY aclError alngCannSetProduct(const char* name);

#ifdef __cplusplus
}
#endif

#endif
