// Copies between global memory and the unified buffer.
#ifndef ALNG_ASCEND_OP_KERNEL_COPIES_H
#define ALNG_ASCEND_OP_KERNEL_COPIES_H

#include "kernel_operator.h"
#include "step.h"

namespace alng_npu {

// `rows` rows of `columns` elements, `pitch` apart in global memory and `width` apart in UB, where a row begins at a
// multiple of 32 bytes. Rows without gaps on either side are one piece.
template <typename T>
__aicore__ inline AscendC::DataCopyExtParams rows_from_global(uint32_t rows, uint32_t columns, int64_t pitch,
                                                              uint32_t width) {
  const uint32_t bytes = columns * kSize<T>;
  if (rows == 1) return {1, bytes, 0, 0, 0};
  if (columns == width && columns == pitch) return {1, rows * bytes, 0, 0, 0};
  const uint32_t gap = static_cast<uint32_t>((pitch - columns) * kSize<T>);
  const uint32_t blocks = (width * kSize<T> - round_up<uint32_t>(bytes, 32)) / 32;
  return {static_cast<uint16_t>(rows), bytes, gap, blocks, 0};
}

template <typename T>
__aicore__ inline void load_rows(const AscendC::LocalTensor<T>& to, const AscendC::GlobalTensor<T>& from, uint32_t rows,
                                 uint32_t columns, int64_t pitch, uint32_t width) {
  AscendC::DataCopyPadExtParams<T> no_padding;
  no_padding.isPad = false;
  AscendC::DataCopyPad(to, from, rows_from_global<T>(rows, columns, pitch, width), no_padding);
}

template <typename T>
__aicore__ inline void store_rows(const AscendC::GlobalTensor<T>& to, const AscendC::LocalTensor<T>& from,
                                  uint32_t rows, uint32_t columns, int64_t pitch, uint32_t width) {
  const AscendC::DataCopyExtParams in = rows_from_global<T>(rows, columns, pitch, width);
  AscendC::DataCopyPad(to, from, AscendC::DataCopyExtParams{in.blockCount, in.blockLen, in.dstStride, in.srcStride, 0});
}

// One float32 a row; what is left of the last block becomes zeros, because whole blocks are read.
__aicore__ inline void load_scalars(const AscendC::LocalTensor<float>& to, const AscendC::GlobalTensor<float>& from,
                                    uint32_t count) {
  const uint32_t bytes = count * kSize<float>;
  const uint8_t padding = static_cast<uint8_t>(round_up(count, kBlockFloats) - count);
  AscendC::DataCopyPad(to, from, AscendC::DataCopyExtParams{1, bytes, 0, 0, 0},
                       AscendC::DataCopyPadExtParams<float>{padding > 0, 0, padding, 0});
}

}  // namespace alng_npu

#endif
