// `alng bench` on a device with memory of its own: beside a copy of as many bytes there.
#ifndef ALNG_MEASURING_DEVICE_H
#define ALNG_MEASURING_DEVICE_H

#include "measuring/row.h"

namespace alng::cli {

/// `stream` of the result is the copy. The times are those that the device takes, without the calls. Throws `Failure`
/// where the library or the device refuses.
template <class Operator>
BenchResult measure_on_device(const BenchShape& shape, const BenchOptions& options, const ProblemOf<Operator>& problem,
                              const PlanOf<Operator>& plan);

}  // namespace alng::cli

#endif
