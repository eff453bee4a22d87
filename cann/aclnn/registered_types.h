// Which formats and dtypes the operator is registered with.
#ifndef ALNG_CANN_ACLNN_REGISTERED_TYPES_H
#define ALNG_CANN_ACLNN_REGISTERED_TYPES_H

#include <memory>

#include "aclnn/executor.h"
#include "runtime/answer.h"

namespace alng::cann {

/// Judges format and dtype of all tensors that are there, in the order of the parameters, by what the product allows.
Answer check_types(const char* function, const std::shared_ptr<Tensor> (&tensors)[grad::count]);

}  // namespace alng::cann

#endif
