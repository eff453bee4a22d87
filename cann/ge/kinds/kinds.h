// Every kind of node there is.
#ifndef ALNG_CANN_GE_KINDS_KINDS_H
#define ALNG_CANN_GE_KINDS_KINDS_H

#include "ge/node_kind.h"

namespace alng::cann::engine {

const NodeKind& add_kind();
const NodeKind& add_layer_norm_grad_kind();
const NodeKind& cast_kind();
const NodeKind& const_kind();
const NodeKind& data_kind();

}  // namespace alng::cann::engine

#endif
