// Plans of problems that came before.
#ifndef ALNG_CANN_OPERATOR_PLAN_CACHE_H
#define ALNG_CANN_OPERATOR_PLAN_CACHE_H

#include "alng/alng.hpp"

namespace alng::cann {

/// The plan of a problem on a device. Making one takes 12 us, three times what 8x768 takes to compute, and training
/// asks for the same few shapes again and again: each thread keeps up to 64, in the place that a shape's hash says, so
/// that finding one takes no lock and no search. ALNG_ISA in the environment is what it was when the plan was made: to
/// look at it for each call would need that no thread changes the environment meanwhile.
Result<GradPlan> plan_for(const GradDescription& description, int device);

}  // namespace alng::cann

#endif
