// A case with its numbers: the description, and every tensor's storage as it lies in memory.
#ifndef ALNG_TESTS_CASES_INSTANCE_H
#define ALNG_TESTS_CASES_INSTANCE_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "alng/alng.hpp"
#include "cases/cases.h"

namespace alng::cases {

/// Elements from the first one to behind the last one, gaps included.
std::int64_t span_of(const TensorLayout& layout);

/// Element offsets of all elements, in row-major order of their indices.
class Offsets {
 public:
  explicit Offsets(const TensorLayout& layout);
  std::int64_t next();

 private:
  TensorLayout layout_;
  std::array<std::int64_t, max_rank> index_{};
  std::int64_t offset_ = 0;
  std::int64_t run_left_ = 0;
};

/// Tensors are named by their place in `grad::operands`.
class Instance {
 public:
  explicit Instance(const Case& what, std::uint64_t seed = 1);

  const Case& what() const { return case_; }
  const GradDescription& description() const { return description_; }
  /// The layout of a tensor, or nothing where the case does not have it.
  const std::optional<TensorLayout>& layout(int tensor) const { return layouts_[static_cast<std::size_t>(tensor)]; }
  /// What the tensor's memory holds before a run: an input's numbers; for an output 0xFF (a NaN in every dtype), or
  /// numbers where the run accumulates. Gaps hold 0xFF.
  const std::vector<std::byte>& storage(int tensor) const { return storage_[static_cast<std::size_t>(tensor)]; }
  /// The elements of a tensor in row-major order, from memory laid out as `layout(tensor)`.
  std::vector<std::byte> elements(int tensor, const std::byte* memory) const;
  /// The same of an input, as double.
  std::vector<double> numbers(int tensor) const;
  /// The input whose memory dx shares, or -1.
  int dx_over() const;

 private:
  void describe();
  void fill(std::uint64_t seed);
  void fill_statistics();

  Case case_;
  GradDescription description_;
  std::array<std::optional<TensorLayout>, grad::count> layouts_;
  std::array<std::vector<std::byte>, grad::count> storage_;
};

}  // namespace alng::cases

#endif
