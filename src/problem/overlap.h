// Which bytes of memory a tensor occupies, and whether two tensors, or two elements of one, share any.
#ifndef ALNG_PROBLEM_OVERLAP_H
#define ALNG_PROBLEM_OVERLAP_H

#include <array>
#include <cstddef>
#include <cstdint>

#include "alng/tensor.hpp"

namespace alng::impl {

/// From the first byte to one past the last; both are the address where there are no elements.
struct ByteRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

/// The layout is valid.
ByteRange range_of(const TensorLayout& layout, const void* address) noexcept;
/// Of plain memory.
ByteRange range_of(const void* address, std::size_t bytes) noexcept;

inline bool intersect(const ByteRange& a, const ByteRange& b) noexcept {
  return a.begin < b.end && b.begin < a.end && a.begin != a.end && b.begin != b.end;
}

/// The bytes of a tensor at an address. Dimensions that move the address only (extent above 1, stride above 0),
/// smallest stride first, strides in bytes.
struct Footprint {
  ByteRange range;
  /// Bytes of one element.
  std::uint64_t element = 0;
  int rank = 0;
  std::array<std::uint64_t, max_rank> extent{};
  std::array<std::uint64_t, max_rank> stride{};
};

/// The layout is valid.
Footprint footprint_of(const TensorLayout& layout, const void* address) noexcept;
/// Of plain memory.
Footprint footprint_of(const void* address, std::size_t bytes) noexcept;

/// True only where the two certainly share no byte. Telling this of any two strided tensors is as hard as the knapsack
/// problem; told here are separate ranges, and interleaved ones that keep to separate parts of a common period, such as
/// column slices of one wide buffer or its even and odd rows.
bool are_disjoint(const Footprint& a, const Footprint& b) noexcept;

/// True where both have the same strides on every dimension longer than 1. Their shapes are the same.
bool have_same_strides(const TensorLayout& a, const TensorLayout& b) noexcept;

/// A dimension longer than 1 whose stride is smaller than what the dimensions of smaller strides span.
struct Fold {
  int dimension = -1;
  /// Distance in elements from the first to the last element of those dimensions, plus 1.
  std::int64_t span = 0;
};

/// The innermost such dimension; `dimension` is -1 where there is none, and then no two elements share an address. (The
/// converse does not hold: interleaved dimensions such as shape [2, 3], strides [3, 2] are a fold too.) The layout has
/// no negative strides and its offsets fit in 64 bits.
Fold find_fold(const TensorLayout& layout) noexcept;

/// True where one of the dimensions has extent 0.
bool is_empty(const TensorLayout& layout) noexcept;

}  // namespace alng::impl

#endif
