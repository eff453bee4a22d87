// `alng bench --door aclnn`: what a call through another interface costs beside the C++ run itself.
#ifndef ALNG_MEASURING_DOOR_H
#define ALNG_MEASURING_DOOR_H

#include <vector>

#include "measuring/row.h"

namespace alng::cli {

/// Measures and prints. Throws `Failure` where this build has no aclnn, or a call fails.
void bench_door(const std::vector<BenchShape>& shapes, const BenchOptions& options, bool json);

}  // namespace alng::cli

#endif
