// The measurement of one row of `alng bench`.
#ifndef ALNG_MEASURING_ROW_H
#define ALNG_MEASURING_ROW_H

#include <cstdint>
#include <optional>
#include <string>

#include "alng/alng.hpp"
#include "measuring/arrays.h"

namespace alng::cli {

struct BenchOptions {
  PlanOptions plan;
  /// Rounds; 0: as many as `seconds` allow.
  int repeats = 0;
  double seconds = 2;
  /// Compare with the free-order kernel out of cache, too.
  bool free_order = false;
};

/// The quartiles of a set of measurements.
struct Quartiles {
  double lower = 0;
  double median = 0;
  double upper = 0;
};
/// Of at least one value, with interpolation.
Quartiles quartiles(std::vector<double> values);

/// How alng does beside another contestant. `speed`: its time divided by alng's, pair by pair.
struct Comparison {
  std::string name;
  int threads = 1;
  double seconds = 0;
  Quartiles speed;
};

struct BenchResult {
  BenchShape shape;
  std::string device;
  std::string isa;
  int threads = 1;
  std::int64_t bytes = 0;
  /// The problem's bytes fit in the largest cache.
  bool in_cache = false;
  /// Timed calls of alng.
  std::int64_t calls = 0;
  Quartiles seconds;
  /// "stream", or "copy" on a device with memory of its own; what it is comes next.
  const char* beside = "stream";
  Comparison stream;
  std::optional<Comparison> free_order;
};

/// On a device with memory of its own see device.h. Throws `Failure` where the library refuses, or where the free-order
/// kernel's result is wrong.
BenchResult measure(const BenchShape& shape, const BenchOptions& options);

}  // namespace alng::cli

#endif
