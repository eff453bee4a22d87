// A problem computed, with the outputs in memory: what `run` writes and `verify` judges.
#ifndef ALNG_TOOLS_COMPUTATION_H
#define ALNG_TOOLS_COMPUTATION_H

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "alng/alng.hpp"

namespace alng::cli {

/// Memory on page boundaries, not written before the caller does.
class Buffer {
 public:
  explicit Buffer(std::size_t size);
  std::byte* data() const { return data_.get(); }
  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(std::byte* data) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_;
};

struct Computation {
  /// dx, dgamma, dbeta.
  std::array<Buffer, 3> outputs;
  /// The first run, which also pays for pages not yet in memory.
  double first_seconds = 0;
  /// A second one, with everything in place; absent (0) where it was not asked for or the first took more than 10 s.
  double warm_seconds = 0;
};

/// Throws `Failure` with the library's sentence where it refused.
void or_fail(const Status& status);
template <class T>
T or_fail(Result<T> result) {
  or_fail(result.status());
  return std::move(result).value();
}

/// Computes all three outputs. Throws `Failure` where the library refuses.
Computation compute(const GradPlan& plan, const GradArguments& inputs, bool also_warm);

}  // namespace alng::cli

#endif
