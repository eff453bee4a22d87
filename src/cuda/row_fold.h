// The sum of a row in the canonical order (order/row_sum.h): a warp has a segment of 512 terms, a thread 16 of them.
// Where a thread has which columns is chosen so that rows are read in whole vectors and the first folds, 32 and 64
// apart, stay in the thread. The next ones cross lanes, and each halves what a lane holds: 19 shuffles for two sums of
// 16-bit elements, 11 of float32, 5 where elements are read one by one.
#ifndef ALNG_CUDA_ROW_FOLD_H
#define ALNG_CUDA_ROW_FOLD_H

#include "cuda/elements.h"

namespace alng::impl::cuda {

/// Terms of a thread.
inline constexpr int own_terms = 16;

/// A thread's terms come in chunks of `vector` neighbours.
template <int vector>
struct Layout {
  static constexpr int chunks = own_terms / vector;
  /// Column of a chunk's first term within the segment.
  static ALNG_DEVICE int column(int lane, int chunk) {
    // Lanes of odd quads have their two chunks swapped, which addition does not see; so loads of 16 bytes meet no bank
    // twice.
    if constexpr (vector == 8) return 8 * (lane & 3) + 64 * (lane >> 2) + 32 * (chunk ^ ((lane >> 2) & 1));
    if constexpr (vector == 4) return 4 * (lane & 7) + 128 * (lane >> 3) + 32 * chunk;
    if constexpr (vector == 1) return 32 * chunk + lane;
  }
};

/// N values in each of two lanes that differ in `mask`: each keeps half of them, summed over both.
template <int N>
ALNG_DEVICE void halve(float* v, bool upper, unsigned mask) {
#pragma unroll
  for (int i = 0; i < N / 2; ++i) {
    const float kept = upper ? v[i + N / 2] : v[i];
    const float sent = upper ? v[i] : v[i + N / 2];
    v[i] = add(kept, shuffle_xor(sent, mask));
  }
}

ALNG_DEVICE float across(float v, unsigned mask) { return add(v, shuffle_xor(v, mask)); }

/// The folds of one sum that stay in the thread, and those that halve what a lane holds, up to distance 256.
template <int vector>
ALNG_DEVICE float fold_to_256(const float* terms, int lane) {
  if constexpr (vector == 8) {
    float v[8];
#pragma unroll
    for (int e = 0; e < 8; ++e) v[e] = add(terms[e], terms[e + 8]);  // 32
    halve<8>(v, lane & 4, 4);                                        // 64, leaves bit 2 of the column in the lane
    halve<4>(v, lane & 8, 8);                                        // 128, bit 1
    halve<2>(v, lane & 16, 16);                                      // 256, bit 0
    return v[0];
  } else if constexpr (vector == 4) {
    float v[4];
#pragma unroll
    for (int e = 0; e < 4; ++e) v[e] = add(add(terms[e], terms[e + 4]), add(terms[e + 8], terms[e + 12]));  // 32, 64
    halve<4>(v, lane & 8, 8);    // 128, bit 1
    halve<2>(v, lane & 16, 16);  // 256, bit 0
    return v[0];
  } else {
    float v[8];
#pragma unroll
    for (int i = 0; i < 8; ++i) v[i] = add(terms[2 * i], terms[2 * i + 1]);  // 32
#pragma unroll
    for (int i = 0; i < 4; ++i) v[i] = add(v[2 * i], v[2 * i + 1]);  // 64
    return add(add(v[0], v[1]), add(v[2], v[3]));                    // 128, 256
  }
}

/// Lanes that hold the two halves of what is 16 columns apart, then 8, 4, 2, 1.
template <int vector>
struct FoldMasks;
template <>
struct FoldMasks<8> {
  static constexpr unsigned m16 = 2, m8 = 1, m4 = 4, m2 = 8, m1 = 16;
};
template <>
struct FoldMasks<4> {
  static constexpr unsigned m16 = 4, m8 = 2, m4 = 1, m2 = 8, m1 = 16;
};
template <>
struct FoldMasks<1> {
  static constexpr unsigned m16 = 16, m8 = 8, m4 = 4, m2 = 2, m1 = 1;
};

template <int vector>
ALNG_DEVICE float fold_from_8(float v) {
  using M = FoldMasks<vector>;
  return across(across(across(across(v, M::m8), M::m4), M::m2), M::m1);
}

/// The sum of the segment, in every lane.
template <int vector>
ALNG_DEVICE float segment_sum(const float* terms, int lane) {
  return fold_from_8<vector>(across(fold_to_256<vector>(terms, lane), FoldMasks<vector>::m16));
}

/// Two sums over the segment: a lane gets the one that has_second() tells; its partner at FoldMasks::m16 the other.
template <int vector>
ALNG_DEVICE float segment_sums(const float* first, const float* second, int lane) {
  float two[2] = {fold_to_256<vector>(first, lane), fold_to_256<vector>(second, lane)};
  constexpr unsigned mask = FoldMasks<vector>::m16;
  halve<2>(two, (lane & static_cast<int>(mask)) != 0, mask);
  return fold_from_8<vector>(two[0]);
}
template <int vector>
ALNG_DEVICE bool has_second(int lane) {
  return (lane & static_cast<int>(FoldMasks<vector>::m16)) != 0;
}
/// One lane of those that have the sum has_second() tells.
template <int vector>
ALNG_DEVICE bool tells_sum(int lane) {
  return (lane & ~static_cast<int>(FoldMasks<vector>::m16)) == 0;
}

// Recursion, because nvcc keeps a loop over distances, and with it the values on the stack, from 16 values on.
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
