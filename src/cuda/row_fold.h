// The sum of a row in the canonical order (order/row_sum.h): a warp has a segment of 512 terms, a thread 16 of them;
// where rows have few columns, 4, 8 or 16 lanes have a row of up to 64, 128 or 256, and a warp has several rows at
// once. Where a thread has which columns is chosen so that rows are read in whole vectors and the first folds stay in
// the thread. The next ones cross lanes, and each halves what a lane holds: 19 shuffles for two sums of a whole segment
// of 16-bit elements, 11 of float32, 5 where elements are read one by one.
#ifndef ALNG_CUDA_ROW_FOLD_H
#define ALNG_CUDA_ROW_FOLD_H

#include "cuda/elements.h"

namespace alng::impl::cuda {

/// Terms of a thread.
inline constexpr int own_terms = 16;

/// Where the two halves of each fold of a segment are, at distances of 32, 64, 128, 256, 16, 8, 4, 2, 1: 0 in one
/// thread, else in lanes that differ in this bit.
struct FoldMasks {
  static constexpr unsigned absent = 32;  ///< the other half is padding
  unsigned of[9];
};

/// A thread's terms come in chunks of `vector` neighbours; a row, or a segment of it, has `lanes` lanes. The bits of a
/// term's number from the highest on are those of its column in the order in which they are folded.
template <int vector, int lanes = 32>
struct Layout {
  static constexpr int row_lanes = lanes, chunks = own_terms / vector;
  /// Column of a chunk's first term within the segment.
  static ALNG_DEVICE int column(int warp_lane, int chunk) {
    const int lane = warp_lane & (lanes - 1);
    // Lanes of odd quads have their two chunks swapped, which addition does not see; so loads of 16 bytes meet no bank
    // twice.
    if constexpr (vector == 8) return 8 * (lane & 3) + 64 * (lane >> 2) + 32 * (chunk ^ ((lane >> 2) & 1));
    if constexpr (vector == 4) return 4 * (lane & 7) + 128 * (lane >> 3) + 32 * (chunk >> 1) + 64 * (chunk & 1);
    if constexpr (vector == 1) {
      constexpr int last = lanes == 32 ? 256 : lanes, third = lanes == 8 ? 2 * lanes : 128;
      return lane + 32 * (chunk >> 3) + 64 * (chunk >> 2 & 1) + third * (chunk >> 1 & 1) + last * (chunk & 1);
    }
  }
};

// Constants, since nvcc lets no function of the host be called in a kernel, not even by the compiler.

constexpr FoldMasks find_masks(int vector, unsigned lanes) {
  FoldMasks masks = vector == 8   ? FoldMasks{{0, 4, 8, 16, 2, 1, 0, 0, 0}}
                    : vector == 4 ? FoldMasks{{0, 0, 8, 16, 4, 2, 1, 0, 0}}
                                  : FoldMasks{{0, 0, 0, 0, 16, 8, 4, 2, 1}};
  for (unsigned& mask : masks.of) {
    // Where lanes are fewer, single elements of a row lie closer.
    if (mask >= lanes) mask = vector == 1 ? 0 : FoldMasks::absent;
  }
  if (vector == 1 && lanes <= 16) masks.of[3] = FoldMasks::absent;
  if (vector == 1 && lanes <= 8) masks.of[2] = FoldMasks::absent;
  return masks;
}
template <class L>
inline constexpr FoldMasks masks_of = find_masks(own_terms / L::chunks, L::row_lanes);

constexpr FoldMasks halve_at(FoldMasks masks, int step) {
  const unsigned mask = masks.of[step];
  while (masks.of[++step] != 0) {
  }
  masks.of[step] = mask;
  return masks;
}
/// After a fold that halved what lanes hold: the next bit that was in the thread is in the lane.
template <FoldMasks masks, int step>
inline constexpr FoldMasks halved = halve_at(masks, step);

constexpr unsigned find_second_mask(FoldMasks masks) {
  int values = own_terms;
  for (int step = 0; step < 9; ++step) {
    if (masks.of[step] == FoldMasks::absent) continue;
    if (values == 1) return masks.of[step];
    if (masks.of[step] != 0) masks = halve_at(masks, step);
    values /= 2;
  }
  return 0;
}
/// The lanes' bit that tells which of two sums a lane has in the end: that of the first fold that finds one value of
/// each.
template <class L>
inline constexpr unsigned second_mask = find_second_mask(masks_of<L>);

/// N values in each of two lanes that differ in `mask`: each keeps half of them, summed over both, in `to`.
template <int N>
ALNG_DEVICE void halve(const float* v, float* to, bool upper, unsigned mask) {
#pragma unroll
  for (int i = 0; i < N / 2; ++i) {
    const float kept = upper ? v[i + N / 2] : v[i];
    const float sent = upper ? v[i] : v[i + N / 2];
    to[i] = add(kept, shuffle_xor(sent, mask));
  }
}

ALNG_DEVICE float across(float v, unsigned mask) { return add(v, shuffle_xor(v, mask)); }

// The folds from `step` on, of `sums` sums of which a lane holds N values each, [sums][N]. Recursion, because nvcc
// keeps a loop over distances, and with it the values on the stack, from 16 values on.
template <int sums, int N, int step, FoldMasks masks>
ALNG_DEVICE float fold(float* v, int lane) {
  if constexpr (step == 9) {
    return v[0];
  } else if constexpr (masks.of[step] == FoldMasks::absent) {
    return fold<sums, N, step + 1, masks>(v, lane);
  } else if constexpr (masks.of[step] == 0) {
#pragma unroll
    for (int sum = 0; sum < sums; ++sum) {
#pragma unroll
      for (int i = 0; i < N / 2; ++i) v[sum * N / 2 + i] = add(v[sum * N + i], v[sum * N + N / 2 + i]);
    }
    return fold<sums, N / 2, step + 1, masks>(v, lane);
  } else {
    constexpr unsigned mask = masks.of[step];
    const bool upper = (lane & static_cast<int>(mask)) != 0;
    if constexpr (N > 1) {
#pragma unroll
      for (int sum = 0; sum < sums; ++sum) halve<N>(v + sum * N, v + sum * N / 2, upper, mask);
      return fold<sums, N / 2, step + 1, halved<masks, step>>(v, lane);
    } else {
      if constexpr (sums == 2) {
        halve<2>(v, v, upper, mask);
      } else {
        v[0] = across(v[0], mask);
      }
      return fold<1, 1, step + 1, masks>(v, lane);
    }
  }
}

/// The sum of the segment, in every lane that has a part of it.
template <class L>
ALNG_DEVICE float segment_sum(const float* terms, int lane) {
  float v[own_terms];
#pragma unroll
  for (int o = 0; o < own_terms; ++o) v[o] = terms[o];
  return fold<1, own_terms, 0, masks_of<L>>(v, lane);
}

/// Two sums over the segment: a lane gets the one that has_second() tells; its partner at second_mask() the other.
template <class L>
ALNG_DEVICE float segment_sums(const float* first, const float* second, int lane) {
  float v[2 * own_terms];
#pragma unroll
  for (int o = 0; o < own_terms; ++o) {
    v[o] = first[o];
    v[own_terms + o] = second[o];
  }
  return fold<2, own_terms, 0, masks_of<L>>(v, lane);
}

/// What fold() makes of a thread's own terms of two sums, `first` and every (own_terms / N)th after it: one half after
/// the other, so that few terms are in registers at once. `term` gives both terms of a number.
template <int N, class Term>
ALNG_DEVICE float2 fold_own(int first, const Term& term) {
  if constexpr (N == 1) {
    return term(first);
  } else {
    const float2 low = fold_own<N / 2>(first, term), high = fold_own<N / 2>(first + own_terms / N, term);
    return float2{add(low.x, high.x), add(low.y, high.y)};
  }
}
/// segment_sums() of elements that are loaded one by one where they are used: the first four folds are the thread's.
template <class Term>
ALNG_DEVICE float segment_sums_of(const Term& term, int lane) {
  const float2 own = fold_own<own_terms>(0, term);
  float v[2] = {own.x, own.y};
  return fold<2, 1, 4, masks_of<Layout<1>>>(v, lane);
}

template <class L>
ALNG_DEVICE bool has_second(int lane) {
  return (lane & static_cast<int>(second_mask<L>)) != 0;
}
/// One lane of those that have the sum has_second() tells.
template <class L>
ALNG_DEVICE bool tells_sum(int lane) {
  return (lane & ~static_cast<int>(second_mask<L>)) == 0;
}

template <int N, int distance>
ALNG_DEVICE void fold_group(float* v) {
#pragma unroll
  for (int i = 0; i < distance; ++i) {
    if (i + distance < N) v[i] = add(v[i], v[i + distance]);
  }
  if constexpr (distance > 1) fold_group<(N < distance ? N : distance), distance / 2>(v);
}
/// A group of N segments, a power of two up to 32: the folds at distances from N on would add nothing but padding. Then
/// the addition to +0 with which a row begins.
template <int N>
ALNG_DEVICE float group_sum(float* segments) {
  if constexpr (N > 1) fold_group<N, N / 2>(segments);
  return add(0.0f, segments[0]);
}

}  // namespace alng::impl::cuda

#endif
