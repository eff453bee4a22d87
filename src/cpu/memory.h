// What a back end hands to the kernels of any operator about memory: tensors, arrays of their own, places to build
// rows.
#ifndef ALNG_CPU_MEMORY_H
#define ALNG_CPU_MEMORY_H

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "problem/problem.h"
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

inline constexpr std::size_t round_up(std::size_t bytes, std::size_t unit = line_bytes) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

/// The first place from `end` on that is `in_page` bytes behind the beginning of a page.
inline std::size_t place_in_page(std::size_t end, std::size_t in_page) noexcept {
  return round_up(end - std::min(end, in_page), workspace_alignment) + in_page;
}

/// The most workspace that a plan for so many tasks may ask for, whatever the number of rows (alng/plan.hpp).
inline std::size_t workspace_bound(std::int64_t columns, int tasks) noexcept {
  const auto for_each_column = static_cast<std::size_t>(columns);
  return (std::size_t{1} << 20) + 512 * for_each_column +
         static_cast<std::size_t>(tasks - 1) * ((std::size_t{256} << 10) + 128 * for_each_column);
}

/// Of a tensor with a value for each element.
inline std::size_t row_bytes(const Problem& problem) noexcept {
  return static_cast<std::size_t>(problem.columns()) * dtype_size(problem.dtype());
}

/// One tensor of a run: its layout and where its first element is.
struct Tensor {
  const Rows* rows = nullptr;
  std::byte* base = nullptr;

  std::byte* row(std::int64_t r) const noexcept { return base + rows->row.offset(r); }
};

/// Where rows are built that are written past the caches to places which do not begin on a line. Rows that follow each
/// other in the output do so here, and go to their places line by line (LineWriter in row_access-inl.h).
struct Staging {
  /// Lines are written when at least this much more is built, because a load of what two stores have just written waits
  /// for both. 256 to 1024 bytes are the same within 3 % (Emerald Rapids).
  static constexpr std::size_t delay = 512;
  /// The least room for rows: where it is used up, what waits is copied to the front. With 10 KB for each output the
  /// first-level cache loses them, and the forward of 8192x1024 in bfloat16 takes 1.33 times as long (Emerald Rapids).
  static constexpr std::size_t least_room = 1024;

  static constexpr std::size_t size_for(std::size_t row_bytes) noexcept {
    return round_up(delay + 2 * line_bytes + std::max(row_bytes, least_room));
  }

  /// `size` bytes, aligned to a line.
  std::byte* memory;
  std::size_t size;
  /// Behind the last row that was built: here, and in the output.
  std::byte* end = nullptr;
  std::byte* out_end = nullptr;
  /// What is built but not written: from a line's begin to `end`. Negative by so many bytes as the first row has before
  /// its first line, which it shares with someone else; these are never written as a line.
  std::ptrdiff_t waiting = 0;
};

/// A row of an output while it is built.
struct BuiltRow {
  /// Where it is built; null where there is none.
  void* at = nullptr;
  /// Where it belongs: the same place, or the row is copied or scattered from `at`.
  std::byte* out = nullptr;
  enum class Way {
    through_caches,
    past_caches,  // `at` is aligned to a line
    staged        // past the caches, but `at` is in staging: see copy_begin
  } way = Way::through_caches;
  /// From here on whatever is built at a place p in staging, as many bytes are copied from p - copy_back to
  /// p + copy_distance, which is aligned to a line. They are older ones.
  const std::byte* copy_begin = nullptr;
  std::ptrdiff_t copy_back = 0;
  std::ptrdiff_t copy_distance = 0;
};

}  // namespace alng::impl::cpu

#endif
