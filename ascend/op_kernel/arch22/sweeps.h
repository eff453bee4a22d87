// The sweeps over whole rows, or over a chunk of a row, for architecture 2201 (Atlas A2, A3).
//
// What stands between two barriers does not depend on each other. A barrier lets the pipe run empty, about 25 cycles,
// so the fewer of these levels the better. A row of 4096 float16 takes 17 cycles for each 64 elements and 17 levels,
// 1088
// + 600 cycles, where its bytes take 1638. Where a row comes in chunks, levels of several chunks stand between the same
// barriers, and those of the dx of the row before: of 8192 float16 that makes 4152 cycles of 5584, the bytes take 3277.
#ifndef ALNG_ASCEND_OP_KERNEL_ARCH22_SWEEPS_H
#define ALNG_ASCEND_OP_KERNEL_ARCH22_SWEEPS_H

#include "vectors.h"

namespace alng_npu {

template <typename T, typename G>
class Sweeps {
 public:
  __aicore__ inline void start(UnifiedBuffer& buffers, const Tiling& tiling) {
    buffers_ = &buffers;
    tiling_ = &tiling;
    h_ = buffers.get<float>(kH);
    w_ = buffers.get<float>(kW);
    q_ = buffers.get<float>(kQ);
    dgamma_ = buffers.get<float>(kDgamma);
    dbeta_ = buffers.get<float>(kDbeta);
    const bool along = tiling.tile_rows <= tiling.pitch / kLanes;
    mean_ = {buffers.get<float>(kMeanBlocks), along};
    rstd_ = {buffers.get<float>(kRstdBlocks), along};
    m1_ = {buffers.get<float>(kM1Blocks), along};
    m2_ = {buffers.get<float>(kM2Blocks), along};
    lanes_ = buffers.get<float>(kLaneSums);
    lanes2_ = buffers.get<float>(kLaneSums2);
    row_sums_ = buffers.get<float>(kRowSums);
    if (tiling.has_gamma) gamma_ = buffers.get<float>(kGamma);
    pitch_ = tiling.lane_pitch;
    second_ = tiling.tile_rows * pitch_;
    sum_rows_ = round_up(tiling.mode == kColumnChunks ? tiling.batch_rows : tiling.tile_rows, kBlockFloats);
    // Partial sums are read to their full pitch, row sums in blocks of eight.
    const uint32_t lane_rows = 2 * (tiling.tile_rows + (tiling.chunk < tiling.columns ? 2 : 0));
    AscendC::Duplicate(lanes_, 0.0f, static_cast<int32_t>(lane_rows * pitch_));
    AscendC::Duplicate(row_sums_, 0.0f, static_cast<int32_t>(2 * sum_rows_));
    barrier();
  }

  // Where gamma of whole rows is copied to before widen_gamma; w is not in use yet.
  __aicore__ inline AscendC::LocalTensor<G> gamma_landing() {
    if constexpr (sizeof(G) == 4) return gamma_;
    return buffers_->get<G>(kW);
  }

  __aicore__ inline void widen_gamma(const AscendC::LocalTensor<G>& raw, uint32_t columns) {
    const uint32_t width = round_up(columns, kLanes);
    clear_tail(raw, 1, columns, width);
    barrier();
    if (sizeof(G) == 2 || tiling_->mode == kColumnChunks) widen(gamma_, raw, width / kLanes);
    barrier();
  }

  __aicore__ inline void take_statistics(const Floats& mean, const Floats& rstd, uint32_t rows) {
    mean_.spread(mean, rows);
    rstd_.spread(rstd, rows);
    barrier();
  }

  // h and w, their partial sums along the rows, and dgamma and dbeta; of several rows the last two follow in finish().
  template <typename Rows>
  __aicore__ inline void first(const Step& step, Rows& rows) {
    if (step.rows > 1) {
      for (uint32_t level = 0; level < kLevels; ++level) {
        to_h(step, 0, level, rows);
        barrier();
      }
      sum_rows(step, rows);
      return;
    }
    // dx of the row before goes ahead of its h and w being overwritten, chunk by chunk.
    const uint32_t of_dx = holds_ ? dx_levels() : 0;
    const bool adds = step.sums && !is_first_sum(step, step.chunks - 1);
    run_levels(step, held_, of_dx, of_dx + 2 * kLevels + (adds ? 1 : 0), rows);
    holds_ = false;
  }

  // Row sums, as -m1 and -m2. Between their few instructions the rows of dy and q are folded.
  template <typename Rows>
  __aicore__ inline void finish(const Step& step, bool ends_leaf, Rows& rows) {
    if (step.sums) {
      Floats from = lanes_;
      uint32_t lanes = pitch_;
      uint32_t second = second_;
      if (lanes > kLanes) {
        sum_blocks(lanes2_, lanes_, step.rows, pitch_, pitch_ / kBlockFloats);
        sum_blocks(lanes2_[second / kBlockFloats], lanes_[second], step.rows, pitch_, pitch_ / kBlockFloats);
        fold();
        barrier();
        from = lanes2_;
        lanes /= kBlockFloats;
        second /= kBlockFloats;
      }
      const int32_t stride = static_cast<int32_t>(lanes / kBlockFloats);
      const int32_t repeats = static_cast<int32_t>(step.rows);
      AscendC::WholeReduceSum(row_sums_[step.sum_row], from, static_cast<int32_t>(lanes), repeats, 1, 1, stride);
      AscendC::WholeReduceSum(row_sums_[sum_rows_ + step.sum_row], from[second], static_cast<int32_t>(lanes), repeats,
                              1, 1, stride);
      fold();
      barrier();
      if (tiling_->mode == kWholeRows || ends_leaf) {
        AscendC::Muls(row_sums_, row_sums_, -tiling_->inverse_columns, static_cast<int32_t>(2 * sum_rows_));
        fold();
        barrier();
        m1_.spread(row_sums_, sum_rows_);
        m2_.spread(row_sums_[sum_rows_], sum_rows_);
        fold();
        barrier();
      }
    }
    while (folding_ > 0) {
      fold();
      barrier();
    }
    if (kWide && step.rows > 1) rows.give_inputs_back();
  }

  // dx: at once, or of a row in chunks with the next row, where that is in the same batch.
  template <typename Rows>
  __aicore__ inline void second(const Step& step, Rows& rows) {
    if (step.chunks > 1 && !step.ends_batch) {
      held_ = step;
      holds_ = true;
      return;
    }
    run_levels(step, step, dx_levels(), dx_levels(), rows);
  }

 private:
  // `levels` levels of every chunk, each chunk two behind the one before: what stands between two barriers belongs to
  // different chunks. First `of_dx` levels for the dx of `before`, then those of `step`.
  template <typename Rows>
  __aicore__ inline void run_levels(const Step& step, const Step& before, uint32_t of_dx, uint32_t levels, Rows& rows) {
    for (uint32_t t = 0; t < 2 * (step.chunks - 1) + levels; ++t) {
      for (uint32_t c = t < levels ? 0 : (t - levels) / 2 + 1; c < step.chunks && 2 * c <= t; ++c) {
        const uint32_t level = t - 2 * c;
        if (level < of_dx) {
          to_dx(before, c, level, rows);
        } else if (level < of_dx + kLevels) {
          to_h(step, c, level - of_dx, rows);
        } else if (level < of_dx + 2 * kLevels) {
          to_sums(step, c, level - of_dx - kLevels);
        } else {
          add_partial(step, c);
        }
      }
      barrier();
    }
  }

  // Of a chunk's way to h, and again of that from there on.
  static constexpr uint32_t kLevels = 4;
  static constexpr bool kWide = sizeof(T) == 4;
  static constexpr bool kBrain = !kWide && !std::is_same<T, half>::value;

  // x2 of bfloat16 on its way to h. Of a row in chunks the room for w*h is taken by another chunk.
  __aicore__ inline Floats wide_x2(const Step& step) const {
    return step.chunks > 1 ? buffers_->get<float>(kDyWide) : q_;
  }

  // A chunk's way to h, and to dbeta where there is one row.
  template <typename Rows>
  __aicore__ inline void to_h(const Step& step, uint32_t index, uint32_t level, Rows& rows) {
    const Chunk chunk = chunk_of(step, *tiling_, index);
    const uint32_t repeats = step.rows * (chunk.width / kLanes);
    const Floats h = h_[chunk.offset];
    // h lies at 256 modulo 512.
    const uint32_t half_of_h = (1 + chunk.offset / kLanes) & 1;
    if (level == 0) {
      widen_inputs(step, chunk, rows);
    } else if (level == 1) {
      if constexpr (kBrain) {
        each<AddOf>(h, h, wide_x2(step), repeats);
      } else if constexpr (!kWide) {
        add_half(h, x2_, repeats);
        rows.give_inputs_back();
      }
      if (step.leaf_sums && step.rows == 1) {
        if (step.starts_leaf && index == 0) rows.wait_for_leaf_sums();
        accumulate(dbeta_[chunk.offset], w_[chunk.offset], repeats, step.starts_leaf);
      }
    } else if (level == 2) {
      // From here on only columns of the problem change: behind them x, h, q and w are zeros, whatever mean and rstd
      // are.
      each_row<SubOf>(h, h, half_of_h, mean_, step.row, step.rows, chunk.columns, chunk.width);
    } else {
      each_row<MulOf>(h, h, half_of_h, rstd_, step.row, step.rows, chunk.columns, chunk.width);
    }
  }

  // dy to where it is needed, x1 to h and, of bfloat16, x2 to where it can be added.
  template <typename Rows>
  __aicore__ inline void widen_inputs(const Step& step, const Chunk& chunk, Rows& rows) {
    const Inputs<T> in = rows.take_inputs();
    const uint32_t repeats = step.rows * (chunk.width / kLanes);
    const Floats h = h_[chunk.offset];
    if (chunk.columns != chunk.width) {
      clear_tail(in.x1, step.rows, chunk.columns, chunk.width);
      clear_tail(in.x2, step.rows, chunk.columns, chunk.width);
      clear_tail(in.dy, step.rows, chunk.columns, chunk.width);
      barrier();
    }
    x2_ = in.x2;
    if constexpr (kWide) {
      each<AddOf>(h, in.x1, in.x2, repeats);
      if (step.rows > 1) {
        dy_ = in.dy;
        return;
      }
      dy_ = w_;
    } else {
      dy_ = step.rows > 1 ? buffers_->get<float>(kDyWide) : w_;
      widen(h, in.x1, repeats);
    }
    widen(dy_[chunk.offset], in.dy, repeats);
    if constexpr (kBrain) widen(wide_x2(step), in.x2, repeats);
    if constexpr (kBrain || kWide) rows.give_inputs_back();
  }

  // The chunk of one row from h on: dgamma, w = dy*gamma, and the sums of w and w*h.
  __aicore__ inline void to_sums(const Step& step, uint32_t index, uint32_t level) {
    const Chunk chunk = chunk_of(step, *tiling_, index);
    const uint32_t repeats = chunk.width / kLanes;
    const Floats h = h_[chunk.offset];
    const Floats w = w_[chunk.offset];
    if (level == 0) {
      if (step.leaf_sums) accumulate_product(dgamma_[chunk.offset], w, h, repeats, step.starts_leaf);
    } else if (level == 1) {
      if (tiling_->wants_dx && tiling_->has_gamma) multiply_columns(w, w, gamma_[chunk.offset], 1, chunk.width);
    } else if (step.sums && level == 2) {
      sum_blocks(partial(step, index, 0), w, 1, chunk.width, pitch_);
      each<MulOf>(q_, w, h, repeats);
    } else if (step.sums) {
      sum_blocks(partial(step, index, 1), q_, 1, chunk.width, pitch_);
    }
  }

  // Where the partial sums of a chunk go: the first ones of a row to their place, later ones beside it to be added.
  __aicore__ inline bool is_first_sum(const Step& step, uint32_t chunk) const { return step.starts_row && chunk == 0; }
  __aicore__ inline Floats partial(const Step& step, uint32_t chunk, uint32_t which) const {
    if (is_first_sum(step, chunk)) return lanes_[which * second_];
    return lanes_[2 * second_ + ((chunk & 1) * 2 + which) * pitch_];
  }
  __aicore__ inline void add_partial(const Step& step, uint32_t chunk) {
    if (!step.sums || is_first_sum(step, chunk)) return;
    const int32_t lanes = static_cast<int32_t>(chunk_of(step, *tiling_, chunk).width / kBlockFloats);
    AscendC::Add(lanes_, lanes_, partial(step, chunk, 0), lanes);
    AscendC::Add(lanes_[second_], lanes_[second_], partial(step, chunk, 1), lanes);
  }

  // Several rows: the same, but q and dy are kept to be folded.
  template <typename Rows>
  __aicore__ inline void sum_rows(const Step& step, Rows& rows) {
    const uint32_t repeats = step.rows * (step.width / kLanes);
    const bool has_gamma = tiling_->has_gamma;
    each<MulOf>(q_, dy_, h_, repeats);
    barrier();
    if (step.sums) {
      // w*h passes through the place of w.
      if (has_gamma) {
        multiply_columns(w_, q_, gamma_, step.rows, step.width);
        barrier();
      }
      sum_blocks(lanes_[second_], has_gamma ? w_ : q_, step.rows, step.width, pitch_);
      barrier();
      if (has_gamma) {
        multiply_columns(w_, dy_, gamma_, step.rows, step.width);
      } else {
        scale(w_, dy_, 1.0f, repeats);
      }
      barrier();
      sum_blocks(lanes_, w_, step.rows, step.width, pitch_);
    }
    if (step.leaf_sums) {
      if (step.starts_leaf) rows.wait_for_leaf_sums();
      folding_ = step.rows;
      fold_repeats_ = step.width / kLanes;
      fold_starts_ = step.starts_leaf;
      fold();
    }
    barrier();
  }

  // One level of the tree over the rows of dy and q; at last their sums join those of the leaf.
  __aicore__ inline void fold() {
    if (folding_ == 0) return;
    if (folding_ == 1) {
      accumulate(dbeta_, dy_, fold_repeats_, fold_starts_);
      accumulate(dgamma_, q_, fold_repeats_, fold_starts_);
      folding_ = 0;
      return;
    }
    const uint32_t kept = (folding_ + 1) / 2;
    const uint32_t added = folding_ - kept;
    const uint32_t from = kept * fold_repeats_ * kLanes;
    each<AddOf>(dy_, dy_, dy_[from], added * fold_repeats_);
    each<AddOf>(q_, q_, q_[from], added * fold_repeats_);
    folding_ = kept;
  }

  __aicore__ inline void clear_dsum_tail(const Step& step, const Chunk& chunk, const AscendC::LocalTensor<T>& dsum) {
    if (chunk.columns % kLanes == 0) return;
    clear_tail(dsum, step.rows, chunk.columns, chunk.width);
    barrier();
  }
  __aicore__ inline uint32_t dx_levels() const { return std::is_same<T, half>::value && tiling_->has_dsum ? 5 : 4; }
  // A chunk's rstd * (w - m1 - h*m2) + dsum.
  template <typename Rows>
  __aicore__ inline void to_dx(const Step& step, uint32_t index, uint32_t level, Rows& rows) {
    const Chunk chunk = chunk_of(step, *tiling_, index);
    const uint32_t repeats = step.rows * (chunk.width / kLanes);
    const Floats h = h_[chunk.offset];
    const Floats w = w_[chunk.offset];
    const uint32_t half_of_w = chunk.offset / kLanes & 1;
    const bool has_dsum = tiling_->has_dsum;
    if (level == 0) {
      multiply_add_rows(h, m2_, step.sum_row, w, half_of_w, step.rows, chunk.width);
    } else if (level == 1) {
      each_row<AddOf>(h, h, half_of_w ^ 1, m1_, step.sum_row, step.rows, chunk.columns, chunk.width);
      if constexpr (kBrain) {
        if (!has_dsum) return;
        const AscendC::LocalTensor<T> dsum = rows.take_dsum();
        clear_dsum_tail(step, chunk, dsum);
        widen(w, dsum, repeats);  // w has been read for the last time
        rows.give_dsum_back();
      }
    } else if (level == 2) {
      if (kBrain && has_dsum) {
        multiply_add_rows(h, rstd_, step.row, w, half_of_w, step.rows, chunk.width);
      } else {
        each_row<MulOf>(h, h, half_of_w ^ 1, rstd_, step.row, step.rows, chunk.columns, chunk.width);
      }
    } else if (level + 1 < dx_levels()) {
      if constexpr (std::is_same<T, half>::value) {
        const AscendC::LocalTensor<T> dsum = rows.take_dsum();
        clear_dsum_tail(step, chunk, dsum);
        add_half(h, dsum, repeats);
        rows.give_dsum_back();
      }
    } else {
      if constexpr (!kWide) {
        narrow(rows.take_dx(), h, repeats);
      } else if (has_dsum) {
        const AscendC::LocalTensor<T> dsum = rows.take_dsum();
        clear_dsum_tail(step, chunk, dsum);
        each<AddOf>(rows.take_dx(), h, dsum, repeats);
        rows.give_dsum_back();
      } else {
        scale(rows.take_dx(), h, 1.0f, repeats);
      }
      rows.write_dx();
    }
  }

  UnifiedBuffer* buffers_ = nullptr;
  const Tiling* tiling_ = nullptr;
  Floats h_, w_, q_, dy_, gamma_, dgamma_, dbeta_, lanes_, lanes2_, row_sums_;
  RowNumbers mean_, rstd_, m1_, m2_;
  AscendC::LocalTensor<T> x2_;
  uint32_t pitch_ = 0;     // of partial sums
  uint32_t second_ = 0;    // from those of w to those of w*h
  uint32_t sum_rows_ = 0;  // from row sums of w to those of w*h
  uint32_t folding_ = 0;   // rows that are still to be added up
  uint32_t fold_repeats_ = 0;
  bool fold_starts_ = false;
  Step held_ = {};  // the row whose dx is still to be written
  bool holds_ = false;
};

}  // namespace alng_npu

#endif
