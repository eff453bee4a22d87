// Vector instructions of architecture 2201 over tiles of float32: rows of `width` floats, a multiple of 64, one after
// another.
//
// Every function issues instructions and no barrier: who calls them knows what depends on what. Masks count lanes,
// repeats are 8 bits wide (the tiling keeps tiles below 256 repeats), strides count blocks of 32 bytes.
#ifndef ALNG_ASCEND_OP_KERNEL_ARCH22_VECTORS_H
#define ALNG_ASCEND_OP_KERNEL_ARCH22_VECTORS_H

#include <type_traits>

#include "../step.h"
#include "kernel_operator.h"

namespace alng_npu {

using Floats = AscendC::LocalTensor<float>;

constexpr uint8_t kRepeatBlocks = 8;  // 64 floats

__aicore__ inline void barrier() { AscendC::PipeBarrier<PIPE_V>(); }

// Binary instructions as types, so that the loops below are written once.
struct AddOf {
  __aicore__ inline static void issue(const Floats& to, const Floats& a, const Floats& b, uint64_t mask,
                                      uint32_t repeats, const AscendC::BinaryRepeatParams& strides) {
    AscendC::Add(to, a, b, mask, static_cast<uint8_t>(repeats), strides);
  }
};
struct SubOf {
  __aicore__ inline static void issue(const Floats& to, const Floats& a, const Floats& b, uint64_t mask,
                                      uint32_t repeats, const AscendC::BinaryRepeatParams& strides) {
    AscendC::Sub(to, a, b, mask, static_cast<uint8_t>(repeats), strides);
  }
};
struct MulOf {
  __aicore__ inline static void issue(const Floats& to, const Floats& a, const Floats& b, uint64_t mask,
                                      uint32_t repeats, const AscendC::BinaryRepeatParams& strides) {
    AscendC::Mul(to, a, b, mask, static_cast<uint8_t>(repeats), strides);
  }
};

// to = a op b, element by element.
template <typename Op>
__aicore__ inline void each(const Floats& to, const Floats& a, const Floats& b, uint32_t repeats) {
  Op::issue(to, a, b, kLanes, repeats, {1, 1, 1, kRepeatBlocks, kRepeatBlocks, kRepeatBlocks});
}

// One number for every row of a tile, as blocks of 32 bytes that hold it eight times. An instruction reads the block
// again and again beside 64 floats of the row: if both lie in the same half of 512 bytes it takes twice as long, and
// the row changes halves with every repeat. Where an instruction goes along a row there are therefore two copies of
// each block, in either half (8 rows: 256 bytes of blocks, then 256 bytes of copies), and two instructions. Where rows
// are short and many, an instruction goes down the rows, and blocks lie one after another.
struct RowNumbers {
  Floats blocks;
  bool along;

  __aicore__ inline void spread(const Floats& numbers, uint32_t rows) const {
    const uint8_t repeats = static_cast<uint8_t>((rows + kBlockFloats - 1) / kBlockFloats);
    if (!along) {
      AscendC::Brcb(blocks, numbers, repeats, {1, kRepeatBlocks});
      return;
    }
    AscendC::Brcb(blocks, numbers, repeats, {1, 2 * kRepeatBlocks});
    AscendC::Brcb(blocks[kLanes], numbers, repeats, {1, 2 * kRepeatBlocks});
  }
  // The block of a row that does not lie in this half.
  __aicore__ inline Floats block(uint32_t row, uint32_t half) const {
    if (!along) return blocks[row * kBlockFloats];
    const uint32_t pair = row / kBlockFloats * 2 * kLanes;
    return blocks[pair + row % kBlockFloats * kBlockFloats + (half == 0 ? kLanes : 0)];
  }
};

// to = a op the row's own number, from row `row` of the numbers on. Lanes from `columns` on keep what they hold. `half`
// of 512 bytes in which `a` begins.
template <typename Op>
__aicore__ inline void each_row(const Floats& to, const Floats& a, uint32_t half, const RowNumbers& numbers,
                                uint32_t row, uint32_t rows, uint32_t columns, uint32_t width) {
  const uint32_t full = columns / kLanes;
  const uint32_t tail = columns % kLanes;
  if (numbers.along) {
    const AscendC::BinaryRepeatParams every_second{1, 1, 0, 2 * kRepeatBlocks, 2 * kRepeatBlocks, 0};
    for (uint32_t r = 0; r < rows; ++r) {
      const uint32_t at = r * width;
      const uint32_t first = (half + at / kLanes) & 1;
      const Floats even = numbers.block(row + r, first);
      const Floats odd = numbers.block(row + r, first ^ 1);
      if (full > 0) Op::issue(to[at], a[at], even, kLanes, (full + 1) / 2, every_second);
      if (full > 1) Op::issue(to[at + kLanes], a[at + kLanes], odd, kLanes, full / 2, every_second);
      const uint32_t rest = at + full * kLanes;
      if (tail > 0) Op::issue(to[rest], a[rest], full % 2 == 0 ? even : odd, tail, 1, every_second);
    }
    return;
  }
  const uint8_t row_blocks = static_cast<uint8_t>(width / kBlockFloats);
  const AscendC::BinaryRepeatParams down_rows{1, 1, 0, row_blocks, row_blocks, 1};
  const Floats blocks = numbers.block(row, 0);
  for (uint32_t c = 0; c < full; ++c) Op::issue(to[c * kLanes], a[c * kLanes], blocks, kLanes, rows, down_rows);
  if (tail > 0) Op::issue(to[full * kLanes], a[full * kLanes], blocks, tail, rows, down_rows);
}

// to = the row's own number * to + addend. `half` in which the addend begins.
__aicore__ inline void multiply_add_rows(const Floats& to, const RowNumbers& numbers, uint32_t row,
                                         const Floats& addend, uint32_t half, uint32_t rows, uint32_t width) {
  const uint32_t repeats = width / kLanes;
  if (numbers.along) {
    const AscendC::BinaryRepeatParams every_second{1, 0, 1, 2 * kRepeatBlocks, 0, 2 * kRepeatBlocks};
    for (uint32_t r = 0; r < rows; ++r) {
      const uint32_t at = r * width;
      const uint32_t first = (half + at / kLanes) & 1;
      AscendC::FusedMulAdd(to[at], numbers.block(row + r, first), addend[at], kLanes,
                           static_cast<uint8_t>((repeats + 1) / 2), every_second);
      if (repeats == 1) continue;
      AscendC::FusedMulAdd(to[at + kLanes], numbers.block(row + r, first ^ 1), addend[at + kLanes], kLanes,
                           static_cast<uint8_t>(repeats / 2), every_second);
    }
    return;
  }
  const uint8_t row_blocks = static_cast<uint8_t>(width / kBlockFloats);
  const Floats blocks = numbers.block(row, 0);
  for (uint32_t c = 0; c < repeats; ++c) {
    AscendC::FusedMulAdd(to[c * kLanes], blocks, addend[c * kLanes], kLanes, static_cast<uint8_t>(rows),
                         {1, 0, 1, row_blocks, 1, row_blocks});
  }
}

// to = a * the column's own number.
__aicore__ inline void multiply_columns(const Floats& to, const Floats& a, const Floats& columns, uint32_t rows,
                                        uint32_t width) {
  const uint32_t repeats = width / kLanes;
  if (rows <= repeats) {
    for (uint32_t r = 0; r < rows; ++r) each<MulOf>(to[r * width], a[r * width], columns, repeats);
    return;
  }
  const uint8_t row_blocks = static_cast<uint8_t>(width / kBlockFloats);
  for (uint32_t c = 0; c < repeats; ++c) {
    AscendC::Mul(to[c * kLanes], a[c * kLanes], columns[c * kLanes], kLanes, static_cast<uint8_t>(rows),
                 {1, 1, 1, row_blocks, row_blocks, 0});
  }
}

__aicore__ inline void scale(const Floats& to, const Floats& a, float factor, uint32_t repeats) {
  AscendC::Muls(to, a, factor, kLanes, static_cast<uint8_t>(repeats), {1, 1, kRepeatBlocks, kRepeatBlocks});
}

// sum + addend, where the sum starts 0 + addend.
__aicore__ inline void accumulate(const Floats& sum, const Floats& addend, uint32_t repeats, bool starts) {
  if (starts) {
    AscendC::Adds(sum, addend, 0.0f, kLanes, static_cast<uint8_t>(repeats), {1, 1, kRepeatBlocks, kRepeatBlocks});
  } else {
    each<AddOf>(sum, sum, addend, repeats);
  }
}

// sum + a * b, where the sum starts a * b.
__aicore__ inline void accumulate_product(const Floats& sum, const Floats& a, const Floats& b, uint32_t repeats,
                                          bool starts) {
  if (starts) {
    each<MulOf>(sum, a, b, repeats);
  } else {
    AscendC::MulAddDst(sum, a, b, kLanes, static_cast<uint8_t>(repeats),
                       {1, 1, 1, kRepeatBlocks, kRepeatBlocks, kRepeatBlocks});
  }
}

template <typename T>
__aicore__ inline void widen(const Floats& to, const AscendC::LocalTensor<T>& from, uint32_t repeats) {
  AscendC::Cast(to, from, AscendC::RoundMode::CAST_NONE, kLanes, static_cast<uint8_t>(repeats),
                {1, 1, kRepeatBlocks, kRepeatBlocks / 2});
}

// A copy, for code that serves all dtypes.
__aicore__ inline void widen(const Floats& to, const Floats& from, uint32_t repeats) { scale(to, from, 1.0f, repeats); }

// to + from, exactly as if `from` were widened first, in one instruction instead of two.
__aicore__ inline void add_half(const Floats& to, const AscendC::LocalTensor<half>& from, uint32_t repeats) {
  AscendC::Axpy(to, from, half(1.0f), kLanes, static_cast<uint8_t>(repeats), {1, 1, kRepeatBlocks, kRepeatBlocks / 2});
}

// To the nearest, ties to even.
__aicore__ inline void narrow(const AscendC::LocalTensor<half>& to, const Floats& from, uint32_t repeats) {
  AscendC::Cast(to, from, AscendC::RoundMode::CAST_NONE, kLanes, static_cast<uint8_t>(repeats),
                {1, 1, kRepeatBlocks / 2, kRepeatBlocks});
}
__aicore__ inline void narrow(const AscendC::LocalTensor<bfloat16_t>& to, const Floats& from, uint32_t repeats) {
  AscendC::Cast(to, from, AscendC::RoundMode::CAST_RINT, kLanes, static_cast<uint8_t>(repeats),
                {1, 1, kRepeatBlocks / 2, kRepeatBlocks});
}

// Every 8 lanes to one sum: rows of `width` to rows of `pitch`, which is width / 8 or more.
__aicore__ inline void sum_blocks(const Floats& to, const Floats& from, uint32_t rows, uint32_t width, uint32_t pitch) {
  const uint32_t repeats = width / kLanes;
  if (repeats * kBlockFloats == pitch) {
    AscendC::BlockReduceSum(to, from, static_cast<uint8_t>(rows * repeats), kLanes, 1, 1, kRepeatBlocks);
    return;
  }
  for (uint32_t r = 0; r < rows; ++r) {
    AscendC::BlockReduceSum(to[r * pitch], from[r * width], static_cast<uint8_t>(repeats), kLanes, 1, 1, kRepeatBlocks);
  }
}

// Zeros in the lanes behind the last column, up to `width`: a copy does not write them, and they are read with their
// row.
template <typename T>
__aicore__ inline void clear_tail(const AscendC::LocalTensor<T>& rows_of, uint32_t rows, uint32_t columns,
                                  uint32_t width) {
  const uint32_t tail = columns % kLanes;
  if (tail == 0) return;
  uint64_t lanes[2] = {~uint64_t{0} << tail, 0};
  const uint8_t row_blocks = rows > 1 ? static_cast<uint8_t>(width * kSize<T> / 32) : kRepeatBlocks;
  if constexpr (sizeof(T) == 2) {
    AscendC::Duplicate(rows_of[columns - tail].template ReinterpretCast<half>(), half(0.0f), lanes,
                       static_cast<uint8_t>(rows), 1, row_blocks);
  } else {
    AscendC::Duplicate(rows_of[columns - tail], 0.0f, lanes, static_cast<uint8_t>(rows), 1, row_blocks);
  }
}

}  // namespace alng_npu

#endif
