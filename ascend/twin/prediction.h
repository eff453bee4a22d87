// How many cycles the cost model gives the kernel: a prediction, never a measurement.
#ifndef ALNG_ASCEND_TWIN_PREDICTION_H
#define ALNG_ASCEND_TWIN_PREDICTION_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "alng/tensor.hpp"

namespace alng::twin {

struct PredictionQuestion {
  /// "ascend:a2" and so on.
  std::string_view device;
  DType dtype = DType::float16;
  bool gamma = true;
  bool dsum = true;
  std::int64_t columns = 1024;
  std::int64_t rows_per_core = 64;
};

/// Cycles for one row of one core, where all cores of the product work on as many rows each.
struct Prediction {
  /// "Atlas A2 (Ascend910B3), 40 cores at 1.8 GHz, 25 bytes a cycle for each core"
  std::string product;
  /// Of the pass over the rows.
  double row_pass = 0;
  /// With SyncAll and the pass over the columns, without the launch itself.
  double all = 0;
  /// Of these how long each pipe was at work.
  double vector = 0, load = 0, store = 0;
  /// What the bytes that must cross memory take.
  double floor = 0;
  /// The vendor's kernel by the same model, where somebody has simulated it: A2, at 25 bytes a cycle for each core and
  /// 64 rows a core.
  std::optional<double> vendor;
};

/// Throws std::runtime_error with a sentence where the device is none of these or its tiling refuses.
Prediction predict(const PredictionQuestion& question);

}  // namespace alng::twin

#endif
