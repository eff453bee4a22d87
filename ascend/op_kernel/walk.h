// Which rows and columns a core works on, in which order.
#ifndef ALNG_ASCEND_OP_KERNEL_WALK_H
#define ALNG_ASCEND_OP_KERNEL_WALK_H

#include "add_layer_norm_grad_tiling.h"
#include "architecture.h"
#include "kernel_operator.h"

namespace alng_npu {

// `count` things in `parts` contiguous parts that differ by one at most. No product, which could overflow.
struct Part {
  int64_t begin;
  int64_t end;
};

__aicore__ inline Part part_of(int64_t count, int64_t parts, int64_t index) {
  const int64_t least = count / parts;
  const int64_t rest = count % parts;
  const int64_t begin = index * least + (index < rest ? index : rest);
  return {begin, begin + least + (index < rest ? 1 : 0)};
}

// What is fetched and computed at once: a tile of rows, or a chunk of the columns of a row. The producers of the copies
// and the consumer each walk on their own.
class Walk {
 public:
  // `sums` whether, with kColumnChunks, the pass for the row sums is walked too.
  __aicore__ inline void start(const Tiling& tiling, bool sums) {
    tiling_ = &tiling;
    sums_ = sums && tiling.mode == kColumnChunks;
    chunks_ = static_cast<uint32_t>((tiling.columns + tiling.chunk - 1) / tiling.chunk);
    const Part leaves =
        tiling.leaves > 0 ? part_of(tiling.leaves, AscendC::GetBlockNum(), AscendC::GetBlockIdx()) : Part{0, 0};
    leaf_ = leaves.begin;
    last_leaf_ = leaves.end;
    enter_leaf();
  }

  __aicore__ inline bool done() const { return leaf_ == last_leaf_; }
  __aicore__ inline int64_t leaf() const { return leaf_; }
  __aicore__ inline int64_t row() const { return row_; }
  __aicore__ inline uint32_t rows() const {
    const int64_t left = rows_.end - row_;
    return left < tiling_->tile_rows ? static_cast<uint32_t>(left) : tiling_->tile_rows;
  }
  __aicore__ inline uint32_t chunk() const { return chunk_; }
  __aicore__ inline uint32_t chunks() const { return chunks_; }
  __aicore__ inline int64_t column() const { return static_cast<int64_t>(chunk_) * tiling_->chunk; }
  __aicore__ inline uint32_t columns() const {
    const int64_t left = tiling_->columns - column();
    return left < tiling_->chunk ? static_cast<uint32_t>(left) : tiling_->chunk;
  }
  // Whether this is the pass for the row sums of kColumnChunks.
  __aicore__ inline bool in_sums() const { return in_sums_; }
  __aicore__ inline bool starts_leaf() const { return row_ == rows_.begin; }
  __aicore__ inline bool ends_leaf() const { return row_ + rows() == rows_.end; }
  // The row's place among those whose statistics are fetched together, and how many these are.
  __aicore__ inline uint32_t row_of_batch() const {
    return static_cast<uint32_t>(row_ - rows_.begin) % tiling_->batch_rows;
  }
  __aicore__ inline uint32_t batch_rows() const {
    const int64_t left = rows_.end - row_;
    return left < tiling_->batch_rows ? static_cast<uint32_t>(left) : tiling_->batch_rows;
  }
  __aicore__ inline bool starts_batch() const {
    if (tiling_->mode == kWholeRows) return chunk_ == 0 && row_of_batch() == 0;
    return chunk_ == 0 && starts_leaf() && in_sums_ == sums_;
  }

  __aicore__ inline void next() {
    if (tiling_->mode == kWholeRows || in_sums_) {
      if (++chunk_ < chunks_) return;
      chunk_ = 0;
      row_ += rows();
      if (row_ < rows_.end) return;
      if (in_sums_) {
        in_sums_ = false;
        row_ = rows_.begin;
        return;
      }
    } else {
      if (++row_ < rows_.end) return;
      row_ = rows_.begin;
      if (++chunk_ < chunks_) return;
    }
    ++leaf_;
    enter_leaf();
  }

 private:
  __aicore__ inline void enter_leaf() {
    if (done()) return;
    rows_ = part_of(tiling_->rows, tiling_->leaves, leaf_);
    row_ = rows_.begin;
    chunk_ = 0;
    in_sums_ = sums_;
  }

  const Tiling* tiling_ = nullptr;
  int64_t leaf_ = 0;
  int64_t last_leaf_ = 0;
  Part rows_ = {0, 0};
  int64_t row_ = 0;
  uint32_t chunk_ = 0;
  uint32_t chunks_ = 1;
  bool sums_ = false;
  bool in_sums_ = false;
};

}  // namespace alng_npu

#endif
