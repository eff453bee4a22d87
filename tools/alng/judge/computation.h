// A problem computed, with the outputs in memory: what `run` writes and `verify` judges.
#ifndef ALNG_TOOLS_COMPUTATION_H
#define ALNG_TOOLS_COMPUTATION_H

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

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
  /// In the order of the operator's table.
  std::vector<Buffer> outputs;
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

/// Computes all outputs of a problem that wants them dense, on a device with memory of its own there. Throws `Failure`
/// where the library refuses.
template <class Operator>
Computation compute(const PlanOf<Operator>& plan, const typename Operator::Arguments& inputs, bool also_warm);

}  // namespace alng::cli

#endif
