// Problems of random numbers, written to a file row by row, so that memory stays small whatever the shape.
#ifndef ALNG_TOOLS_GENERATED_PROBLEM_H
#define ALNG_TOOLS_GENERATED_PROBLEM_H

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "alng/tensor.hpp"

namespace alng::cli {

struct GeneratedProblem {
  std::vector<std::int64_t> shape;
  DType dtype = DType::float32;
  int normalized_dims = 1;
  std::optional<DType> gamma;
  std::optional<DType> beta;
  bool dsum = true;
  bool x2 = true;
  std::uint64_t seed = 0;
  double mean_over_std = 0;
};

struct GeneratedStatistics {
  /// mean * rstd, averaged over the rows.
  double mean_over_std = 0;
};

/// Writes a valid problem of both operators: dy, x1, x2, dsum of mean 0 and variance 1, gamma about 1 +- 0.25, beta
/// about 0 +- 0.25, and mean and rstd as the library's forward makes them of x1 + x2 with eps = 1e-5.
///
/// The bytes are a function of the description alone, on every machine: random integers, IEEE's exactly rounded
/// operations (square root among them) in a fixed order, which the forward's is too, and nothing of libm's. Throws
/// `Failure`.
///
/// `report` is called when all bytes are on the disk and before the file has its name: where it throws, there is none.
void generate(const GeneratedProblem& problem, const std::filesystem::path& path,
              const std::function<void(const GeneratedStatistics&)>& report = {});

}  // namespace alng::cli

#endif
