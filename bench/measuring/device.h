// `alng bench` on a device with memory of its own: beside a copy of as many bytes there.
#ifndef ALNG_MEASURING_DEVICE_H
#define ALNG_MEASURING_DEVICE_H

#include "measuring/row.h"

namespace alng::cli {

/// Adds to the result the times that the device takes, without the calls; `stream` is the copy. Throws `Failure` where
/// the library or the device refuses.
template <class Operator>
void measure_on_device(const ProblemOf<Operator>& problem, const PlanOf<Operator>& plan, const BenchOptions& options,
                       BenchResult& result);

}  // namespace alng::cli

#endif
