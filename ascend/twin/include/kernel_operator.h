// The Ascend C API as the twin has it: what a kernel of CANN includes under this name. Functions have the names,
// arguments and meaning of CANN's; what hardware would punish they report (machine/finding.h).
//
// Parameters have the types of CANN's, and beside them a place in the kernel's source that is filled in by itself.
#ifndef ALNG_ASCEND_TWIN_KERNEL_OPERATOR_H
#define ALNG_ASCEND_TWIN_KERNEL_OPERATOR_H

#include "twin/copy.h"
#include "twin/entry.h"
#include "twin/events.h"
#include "twin/pipe.h"
#include "twin/reduce.h"
#include "twin/registers.h"
#include "twin/tensor.h"
#include "twin/types.h"
#include "twin/vector.h"

#endif
