// What the sweeps of one architecture are told by the row pass, which is the same for all.
#ifndef ALNG_ASCEND_OP_KERNEL_STEP_H
#define ALNG_ASCEND_OP_KERNEL_STEP_H

#include "add_layer_norm_grad_tiling.h"
#include "architecture.h"
#include "kernel_operator.h"

namespace alng_npu {

constexpr uint32_t kSlotAlignment = 512;
constexpr uint32_t kBlockFloats = 8;

template <typename T>
constexpr uint32_t kSize = static_cast<uint32_t>(sizeof(T));

template <typename I>
__aicore__ inline I round_up(I value, I to) {
  return (value + to - 1) / to * to;
}

// Sizes and places in global memory are unsigned to the API.
__aicore__ inline uint64_t place(int64_t elements) { return static_cast<uint64_t>(elements); }

// The buffers of the row pass, laid out as the tiling says.
class UnifiedBuffer {
 public:
  __aicore__ inline void lay_out(AscendC::TPipe& pipe, const Tiling& tiling) {
    for (uint32_t b = 0; b < kBuffers; ++b) {
      if (tiling.buffer_bytes[b] > 0) pipe.InitBuffer(buffers_[b], tiling.buffer_bytes[b]);
    }
  }
  template <typename T>
  __aicore__ inline AscendC::LocalTensor<T> get(Buffer b) {
    return buffers_[b].Get<T>();
  }
  // One of the two slots of a buffer that copies fill or empty.
  template <typename T>
  __aicore__ inline AscendC::LocalTensor<T> slot(Buffer b, uint32_t slot, const Tiling& tiling) {
    const uint32_t bytes = round_up(tiling.tile_rows * tiling.chunk * kSize<T>, kSlotAlignment);
    return buffers_[b].Get<T>()[slot * (bytes / kSize<T>)];
  }

 private:
  AscendC::TBuf<AscendC::TPosition::VECCALC> buffers_[kBuffers];
};

// What is swept at once: whole rows, of which the columns come and go in chunks, or one chunk of the columns of a row.
struct Step {
  uint32_t rows;
  uint32_t columns;  // of the problem
  uint32_t width;    // as they lie in UB: columns rounded up to kLanes; rows follow each other without a gap
  uint32_t chunks;   // of tiling.chunk columns
  uint32_t row;      // within the batch: where mean and rstd are
  uint32_t sum_row;  // where m1 and m2 are
  bool starts_row;   // the row sums start
  bool starts_leaf;  // dgamma and dbeta start
  bool ends_batch;   // the next step's mean and rstd take the place of this one's
  bool sums;         // row sums are wanted
  bool leaf_sums;    // dgamma and dbeta are wanted
};

// A chunk of a step's columns.
struct Chunk {
  uint32_t offset;
  uint32_t columns;
  uint32_t width;
};

__aicore__ inline Chunk chunk_of(const Step& step, const Tiling& tiling, uint32_t index) {
  const uint32_t offset = index * tiling.chunk;
  const uint32_t left = step.columns - offset;
  const uint32_t columns = left < tiling.chunk ? left : tiling.chunk;
  return {offset, columns, round_up(columns, kLanes)};
}

// What a copy has brought.
template <typename T>
struct Inputs {
  AscendC::LocalTensor<T> dy, x1, x2;
};

}  // namespace alng_npu

#endif
