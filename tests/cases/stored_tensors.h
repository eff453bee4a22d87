// The tensors of a case of any operator: their layouts, and each one's storage as it lies in memory.
#ifndef ALNG_TESTS_CASES_STORED_TENSORS_H
#define ALNG_TESTS_CASES_STORED_TENSORS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "alng/operands.hpp"
#include "alng/tensor.hpp"

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

/// Tensors are named by their place in the operator's table.
class StoredTensors {
 public:
  explicit StoredTensors(std::span<const Operand> operands) : operands_(operands) {}

  std::span<const Operand> operands() const { return operands_; }
  int count() const { return static_cast<int>(operands_.size()); }
  bool is_output(int tensor) const { return operands_[index(tensor)].direction == Direction::output; }
  const char* name(int tensor) const { return operands_[index(tensor)].name; }
  /// The layout of a tensor, or nothing where the case does not have it.
  const std::optional<TensorLayout>& layout(int tensor) const { return layouts_[index(tensor)]; }
  /// What the tensor's memory holds before a run: an input's numbers; for an output 0xFF (a NaN in every dtype), or
  /// numbers where the run accumulates. Gaps hold 0xFF.
  const std::vector<std::byte>& storage(int tensor) const { return storage_[index(tensor)]; }
  /// The input whose memory an output shares, or -1.
  int over(int output) const { return over_[index(output)]; }
  /// The elements of a tensor in row-major order, from memory laid out as `layout(tensor)`.
  std::vector<std::byte> elements(int tensor, const std::byte* memory) const;
  /// The same of an input, as double.
  std::vector<double> numbers(int tensor) const;

 protected:
  static std::size_t index(int tensor) { return static_cast<std::size_t>(tensor); }
  /// Storage full of 0xFF for every tensor there is; an output that lies over an input takes its layout.
  void make_storage();

  std::array<std::optional<TensorLayout>, max_operands> layouts_;
  std::array<std::vector<std::byte>, max_operands> storage_;
  std::array<int, max_operands> over_ = [] {
    std::array<int, max_operands> none{};
    none.fill(-1);
    return none;
  }();

 private:
  std::span<const Operand> operands_;
};

}  // namespace alng::cases

#endif
