// The Ascend C API as the twin has it: what a kernel of CANN includes under this name. Functions have the names,
// arguments and meaning of CANN's; what hardware would punish they report (machine/finding.h).
//
// Numbers that CANN keeps in 8 or 16 bits (repeats, strides, block counts) are wider here, so that one that does not
// fit is seen instead of cut.
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
