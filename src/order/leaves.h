// The canonical order of the column sums (docs/numerics.md): which rows share a partial sum, and the tree in which the
// partial sums are added. A pure function of rows and columns.
#ifndef ALNG_ORDER_LEAVES_H
#define ALNG_ORDER_LEAVES_H

#include <algorithm>
#include <cstdint>

namespace alng::impl {

/// 1056 = 32 x 33 leaves divide evenly over 132 and 264 thread blocks of a GPU as well as over CPU cores.
inline constexpr std::int64_t max_leaves = 1056;
/// Fewer rows than this to a leaf would make combining leaves cost more than a tenth of the rows themselves.
inline constexpr std::int64_t min_leaf_rows = 8;
/// Rows of a leaf are added in blocks of this many, which keeps the error of a sum over 1,000,000 rows (947 to a leaf)
/// near that of one over 33,000.
inline constexpr std::int64_t block_rows = 32;

/// Where rows are few but long, a leaf for each 4096 columns, 32 at most, lets several cores share them.
inline std::int64_t leaf_count(std::int64_t rows, std::int64_t columns) noexcept {
  const std::int64_t by_rows = rows / min_leaf_rows + (rows % min_leaf_rows != 0 ? 1 : 0);
  const std::int64_t by_columns = std::min({rows, columns / 4096, std::int64_t{32}});
  return std::min(max_leaves, std::max(by_rows, by_columns));
}

/// First row of a leaf: floor(leaf * rows / leaves), formed without a product that could leave 64 bits.
inline std::int64_t leaf_begin(std::int64_t leaf, std::int64_t rows, std::int64_t leaves) noexcept {
  return leaf * (rows / leaves) + leaf * (rows % leaves) / leaves;
}

/// The tree of the leaves: level by level nodes 2i and 2i + 1 are added, an odd last one passes up unchanged, until one
/// is left.
inline bool has_neighbour(std::int64_t node, std::int64_t nodes) noexcept { return (node ^ 1) < nodes; }
inline std::int64_t nodes_above(std::int64_t nodes) noexcept { return (nodes + 1) / 2; }

}  // namespace alng::impl

#endif
