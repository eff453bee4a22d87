// The memory that a benchmark row works on: every contestant of the row reads and writes the same arrays.
#ifndef ALNG_MEASURING_ARRAYS_H
#define ALNG_MEASURING_ARRAYS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "alng/alng.hpp"

namespace alng::cli {

using c_structs::Forward;
using c_structs::Grad;

/// What a row of the benchmark computes: dense tensors, all outputs wanted.
struct BenchShape {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  DType dtype = DType::float32;
  /// Of a forward: gamma and beta.
  bool gamma = true;
  /// Of a gradient.
  bool dsum = true;
  bool forward = false;
};

/// Throws `Failure` where there is no such problem, with the library's sentence, or where it would not fit in this
/// machine's memory.
template <class Operator>
ProblemOf<Operator> bench_problem(const BenchShape& shape);

/// The tensors of a `bench_problem`, filled.
template <class Operator>
class BenchArrays {
 public:
  explicit BenchArrays(const ProblemOf<Operator>& problem);
  /// Inputs and outputs; the workspace is the plan's.
  const typename Operator::Arguments& arguments() const { return arguments_; }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  std::byte* allocate(std::size_t size);

  std::vector<std::unique_ptr<std::byte, Free>> memory_;
  typename Operator::Arguments arguments_;
};

/// Bytes of this machine's data caches, L1 first; levels that are not there are 0.
std::array<std::int64_t, 4> cache_sizes();

}  // namespace alng::cli

#endif
