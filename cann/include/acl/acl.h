/* CANN's runtime, on machines without CANN: everything in acl/. C99 and C++14. */
#ifndef ALNG_CANN_ACL_H
#define ALNG_CANN_ACL_H

#include "acl/acl_base.h"
#include "acl/acl_base_rt.h"
#include "acl/acl_mdl.h"
#include "acl/acl_op.h"
#include "acl/acl_rt.h"

#endif
