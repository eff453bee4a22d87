// Where a plan has inputs fetched to ahead of their use.
#ifndef ALNG_CPU_FETCH_H
#define ALNG_CPU_FETCH_H

#include <cstdint>

#include "alng/status.hpp"
#include "cpu/kernels.h"

namespace alng::cpu {

/// For a problem of `bytes` bytes whose rows are all dense: what the environment variable ALNG_FETCH says, else what is
/// fastest on this processor. `bad_option` for a value of ALNG_FETCH that nobody has heard of.
Result<Fetch> choose_fetch(std::int64_t bytes);

}  // namespace alng::cpu

#endif
