// What a back end hands to the kernels of any operator about memory: tensors, arrays of their own, places to build
// rows.
#ifndef ALNG_CPU_MEMORY_H
#define ALNG_CPU_MEMORY_H

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "problem/rows.h"

namespace alng::impl::cpu {

/// Arrays of a value for each column that kernels read and write whole vectors of (h, sums, x, their own copy of gamma)
/// are padded to a multiple of this many.
inline constexpr std::int64_t column_padding = 32;

inline constexpr std::int64_t padded(std::int64_t columns) noexcept {
  return (columns + column_padding - 1) / column_padding * column_padding;
}

/// A cache line, in bytes.
inline constexpr std::size_t line_bytes = 64;

/// A page, so that the distances between the kernels' arrays within a page are known: processors take a load for a copy
/// of a store in flight when the lower 12 bits of their addresses agree, and then wait for the store.
inline constexpr std::size_t workspace_alignment = 4096;

inline std::size_t round_up(std::size_t bytes, std::size_t unit = line_bytes) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

/// The first place from `end` on that is `in_page` bytes behind the beginning of a page.
inline std::size_t place_in_page(std::size_t end, std::size_t in_page) noexcept {
  return round_up(end - std::min(end, in_page), workspace_alignment) + in_page;
}

/// The most workspace that a plan may ask for, whatever the number of rows (alng/plan.hpp).
inline std::size_t workspace_bound(std::int64_t columns) noexcept {
  return (std::size_t{1} << 20) + 512 * static_cast<std::size_t>(columns);
}

/// One tensor of a run: its layout and where its first element is.
struct Tensor {
  const Rows* rows = nullptr;
  std::byte* base = nullptr;

  std::byte* row(std::int64_t r) const noexcept { return base + rows->row.offset(r); }
};

/// Where rows are built that are streamed to places which do not begin on a line (LineWriter in row_access-inl.h).
struct Staging {
  /// A row of the dtype and a line, aligned to a line.
  std::byte* memory;
  /// Up to where the row in it is copied already.
  std::size_t written = 0;
  /// Its first bytes that are the last ones of the row before and wait there for the next row to fill their line, and
  /// where that line belongs.
  std::size_t carried = 0;
  std::byte* carried_to = nullptr;
};

/// A row of an output while it is built.
struct BuiltRow {
  /// Where it is built; null where there is none.
  void* at = nullptr;
  /// Where it belongs: the same place, or the row is copied or scattered from `at`.
  std::byte* out = nullptr;
  /// `at` is aligned to a line and written past the caches.
  bool stream = false;
};

}  // namespace alng::impl::cpu

#endif
