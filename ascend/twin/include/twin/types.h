// Element types and the enumerations of the API.
#ifndef ALNG_ASCEND_TWIN_TYPES_H
#define ALNG_ASCEND_TWIN_TYPES_H

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "machine/core.h"
#include "problem/float16.h"

// NOLINTBEGIN(readability-identifier-naming): CANN's names.

#define __aicore__
#define __global__
#define __gm__
#define __ubuf__
#define GM_ADDR std::uint8_t*

namespace alng::twin {

/// float16 to float32 for every bit pattern; a kernel casts each element a few times.
inline const float* float32_of_float16() {
  static const std::array<float, 65536>* const table = [] {
    auto* values = new std::array<float, 65536>;
    for (std::uint32_t bits = 0; bits < 65536; ++bits) {
      (*values)[bits] = alng::impl::float32_from_float16(static_cast<std::uint16_t>(bits));
    }
    return values;
  }();
  return table->data();
}

}  // namespace alng::twin

/// IEEE binary16. Arithmetic is that of float32, rounded to it on assignment.
struct half {
  std::uint16_t bits;
  half() = default;
  explicit half(float value) : bits(alng::impl::float16_from_float32(value)) {}
  explicit operator float() const { return alng::twin::float32_of_float16()[bits]; }
};

/// The upper half of binary32.
struct bfloat16_t {
  std::uint16_t bits;
  bfloat16_t() = default;
  explicit bfloat16_t(float value) : bits(alng::impl::bfloat16_from_float32(value)) {}
  explicit operator float() const { return alng::impl::float32_from_bfloat16(bits); }
};

namespace AscendC {

using alng::twin::Where;

enum class TPosition : std::uint8_t { GM, VECIN, VECOUT, VECCALC };
using QuePosition = TPosition;

enum class RoundMode : std::uint8_t { CAST_NONE, CAST_RINT, CAST_FLOOR, CAST_CEIL, CAST_ROUND, CAST_TRUNC, CAST_ODD };

enum class ReduceType : std::uint8_t { SUM, MAX, MIN };
enum class MaskMode : std::uint8_t { NORMAL, COUNTER };
enum class CacheMode : std::uint8_t { CACHE_MODE_DISABLE, CACHE_MODE_NORMAL };
enum class PaddingMode : std::uint8_t { Normal, Compact };

inline constexpr std::uint64_t MASK_PLACEHOLDER = 0;
inline constexpr std::array<std::uint64_t, 2> MASK_PLACEHOLDER_LIST = {0, 0};
inline constexpr std::uint32_t ONE_BLK_SIZE = 32;
inline constexpr std::uint32_t DEFAULT_BLK_NUM = 8;
inline constexpr std::uint32_t DEFAULT_BLK_STRIDE = 1;
inline constexpr std::uint32_t DEFAULT_REP_STRIDE = 8;

inline float ToFloat(bfloat16_t value) { return static_cast<float>(value); }
inline bfloat16_t ToBfloat16(float value) { return bfloat16_t(value); }

struct BinaryRepeatParams {
  std::uint8_t dstBlkStride = 1, src0BlkStride = 1, src1BlkStride = 1;
  std::uint8_t dstRepStride = 8, src0RepStride = 8, src1RepStride = 8;
  BinaryRepeatParams() = default;
  BinaryRepeatParams(std::uint8_t dst_blk, std::uint8_t src0_blk, std::uint8_t src1_blk, std::uint8_t dst_rep,
                     std::uint8_t src0_rep, std::uint8_t src1_rep)
      : dstBlkStride(dst_blk),
        src0BlkStride(src0_blk),
        src1BlkStride(src1_blk),
        dstRepStride(dst_rep),
        src0RepStride(src0_rep),
        src1RepStride(src1_rep) {}
};

struct UnaryRepeatParams {
  std::uint16_t dstBlkStride = 1, srcBlkStride = 1;
  std::uint8_t dstRepStride = 8, srcRepStride = 8;
  UnaryRepeatParams() = default;
  UnaryRepeatParams(std::uint16_t dst_blk, std::uint16_t src_blk, std::uint8_t dst_rep, std::uint8_t src_rep)
      : dstBlkStride(dst_blk), srcBlkStride(src_blk), dstRepStride(dst_rep), srcRepStride(src_rep) {}
};

struct CopyRepeatParams {
  std::uint16_t dstStride = 1, srcStride = 1;
  std::uint16_t dstRepeatSize = 8, srcRepeatSize = 8;
  CopyRepeatParams() = default;
  CopyRepeatParams(std::uint16_t dst_blk, std::uint16_t src_blk, std::uint16_t dst_rep, std::uint16_t src_rep)
      : dstStride(dst_blk), srcStride(src_blk), dstRepeatSize(dst_rep), srcRepeatSize(src_rep) {}
};

struct BrcbRepeatParams {
  std::uint16_t dstBlkStride = 1, dstRepStride = 8;
  BrcbRepeatParams() = default;
  BrcbRepeatParams(std::uint16_t dst_blk, std::uint16_t dst_rep) : dstBlkStride(dst_blk), dstRepStride(dst_rep) {}
};

/// Lengths and strides in 32-byte blocks; with DataCopyPad lengths and strides of global memory in bytes.
struct DataCopyParams {
  std::uint16_t blockCount = 1, blockLen = 0, srcStride = 0, dstStride = 0;
  DataCopyParams() = default;
  DataCopyParams(std::uint16_t count, std::uint16_t length, std::uint16_t src, std::uint16_t dst)
      : blockCount(count), blockLen(length), srcStride(src), dstStride(dst) {}
};

/// Lengths in bytes; strides of global memory in bytes, of UB in 32-byte blocks.
template <typename Stride>
struct TwinDataCopyExtParams {
  std::uint16_t blockCount = 1;
  std::uint32_t blockLen = 0;
  Stride srcStride = 0, dstStride = 0;
  std::uint32_t rsv = 0;
  TwinDataCopyExtParams() = default;
  TwinDataCopyExtParams(std::uint16_t count, std::uint32_t length, Stride src, Stride dst, std::uint32_t reserved)
      : blockCount(count), blockLen(length), srcStride(src), dstStride(dst), rsv(reserved) {}
};
/// Strides are 32 bits wide on 2201 and 64 on 3510; sources of no architecture, which are tests, have the wide ones.
#if defined(ALNG_NPU_ARCH) && ALNG_NPU_ARCH == 2201
using DataCopyExtParams = TwinDataCopyExtParams<std::uint32_t>;
#else
using DataCopyExtParams = TwinDataCopyExtParams<std::int64_t>;
#endif

struct DataCopyPadParams {
  bool isPad = false;
  std::uint8_t leftPadding = 0, rightPadding = 0;
  std::uint64_t paddingValue = 0;
  DataCopyPadParams() = default;
  DataCopyPadParams(bool pad, std::uint8_t left, std::uint8_t right, std::uint64_t value)
      : isPad(pad), leftPadding(left), rightPadding(right), paddingValue(value) {}
};

template <typename T>
struct DataCopyPadExtParams {
  bool isPad = false;
  std::uint8_t leftPadding = 0, rightPadding = 0;
  T paddingValue = T(0.0f);
  DataCopyPadExtParams() = default;
  DataCopyPadExtParams(bool pad, std::uint8_t left, std::uint8_t right, T value)
      : isPad(pad), leftPadding(left), rightPadding(right), paddingValue(value) {}
};

}  // namespace AscendC

// NOLINTEND(readability-identifier-naming)

#endif
