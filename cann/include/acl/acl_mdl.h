/* CANN's header of offline models. There are none here; this is for programs that include it. */
#ifndef ALNG_CANN_ACL_MDL_H
#define ALNG_CANN_ACL_MDL_H

#include "acl/acl_base.h"
#include "acl/acl_rt.h"

#endif
