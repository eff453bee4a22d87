// The canonical order of a row sum (docs/numerics.md): segments of terms, and groups of segments, each padded with +0
// and folded; groups are added from left to right, beginning with +0.
#ifndef ALNG_ORDER_ROW_SUM_H
#define ALNG_ORDER_ROW_SUM_H

#include <cstdint>

namespace alng::impl {

inline constexpr std::int64_t segment_terms = 512;
inline constexpr std::int64_t group_segments = 32;

/// A fold at distance d: value i becomes value i + value i+d, for i with a partner in reach. What is left in place 0 is
/// the sum.
inline constexpr int segment_distances[] = {32, 64, 128, 256, 16, 8, 4, 2, 1};
inline constexpr int group_distances[] = {16, 8, 4, 2, 1};

}  // namespace alng::impl

#endif
