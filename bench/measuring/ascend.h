// `alng bench --device ascend:a2`: what a cost model predicts for the Ascend kernel.
#ifndef ALNG_MEASURING_ASCEND_H
#define ALNG_MEASURING_ASCEND_H

#include <string>
#include <vector>

#include "measuring/arrays.h"

namespace alng::cli {

/// Whether `bench` on this device predicts instead of measuring.
bool is_predicted(const std::string& device);

/// Prints cycles per row beside the byte floor and the vendor's kernel. `shapes`: rows of one core, and columns; empty:
/// a table of float16 with and without dsum and float32 from 256 to 8192 columns, 64 rows a core. Throws `Failure` for
/// a device that does not exist.
void bench_ascend(const std::string& device, std::vector<BenchShape> shapes, bool json);

}  // namespace alng::cli

#endif
