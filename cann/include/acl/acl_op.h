/* CANN's header of single operators by name. Operators are called by aclnn here; this is for programs that include it.
 */
#ifndef ALNG_CANN_ACL_OP_H
#define ALNG_CANN_ACL_OP_H

#include "acl/acl_base.h"
#include "acl/acl_rt.h"

#endif
