// A run of the reference: every row is gathered into float32 scratch, whatever its layout, so that no layout has code
// of its own here.
#ifndef ALNG_REFERENCE_WALK_H
#define ALNG_REFERENCE_WALK_H

#include <cstddef>
#include <cstdint>
#include <utility>

#include "problem/arguments.h"
#include "problem/element.h"
#include "problem/rows.h"

namespace alng::impl::reference {

class Walk {
 public:
  Walk(const Problem& problem, const Arguments& arguments) noexcept
      : problem_(problem),
        arguments_(arguments),
        columns_(problem.columns()),
        scratch_(reinterpret_cast<float*>(arguments.workspace_aligned_to(alignof(float)))) {}

 protected:
  /// The next `columns_` floats of scratch.
  float* take() noexcept { return std::exchange(scratch_, scratch_ + columns_); }
  void give_back(std::int64_t rows) noexcept { scratch_ -= rows * columns_; }

  std::byte* data(std::size_t place) const noexcept { return static_cast<std::byte*>(arguments_.data[place]); }

  /// Of a tensor with a value for each column, such as gamma, row 0 is all there is. `dense` is null, and so is what is
  /// returned, where the problem does not have the tensor.
  const float* read_row(std::size_t place, std::int64_t r, float* dense) const noexcept {
    if (!problem_.has(place)) return nullptr;
    const Rows view = rows_of(problem_, place);
    const std::byte* row = data(place) + view.row.offset(r);
    for (std::int64_t j = 0; j < columns_; ++j) dense[j] = load(row + view.column.offset(j), view.dtype);
    return dense;
  }

  /// Nothing where the problem does not have the tensor.
  void write_row(std::size_t place, std::int64_t r, const float* dense) const noexcept {
    if (!problem_.has(place)) return;
    const Rows view = rows_of(problem_, place);
    std::byte* const row = data(place) + view.row.offset(r);
    for (std::int64_t j = 0; j < columns_; ++j) store(dense[j], row + view.column.offset(j), view.dtype);
  }

  /// A row's value of a tensor that has one for each row. Those come with trailing 1s or without; either way all their
  /// elements are rows.
  std::byte* of_row(std::size_t place, std::int64_t r) const noexcept {
    return data(place) + rows_of(problem_, place).row.offset(r);
  }

  const Problem& problem_;
  const Arguments& arguments_;
  std::int64_t columns_;

 private:
  float* scratch_;
};

/// Floats of scratch that a run of the problem needs.
std::int64_t forward_scratch(const Problem& problem) noexcept;
std::int64_t grad_scratch(const Problem& problem) noexcept;

void run_forward(const Problem& problem, const Arguments& arguments) noexcept;
void run_grad(const Problem& problem, const Arguments& arguments) noexcept;

}  // namespace alng::impl::reference

#endif
