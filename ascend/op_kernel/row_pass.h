// The row pass: dx, and one slot of the workspace with the sums of dgamma and dbeta for every leaf.
//
// Copies in, vectors and copies out overlap. Every buffer that a copy fills or empties has two slots; an event says
// that a slot is filled, another that it is free. At the start all are free, at the end all free events are taken back.
// A copy is issued as soon as the sweep that frees its slot has been: the copies' pipe waits, the scalar unit runs
// ahead.
#ifndef ALNG_ASCEND_OP_KERNEL_ROW_PASS_H
#define ALNG_ASCEND_OP_KERNEL_ROW_PASS_H

#include "copies.h"
#include "step.h"
#include "walk.h"
#if ALNG_NPU_ARCH == 3510
#include "arch35/sweeps.h"
#else
#include "arch22/sweeps.h"
#endif

namespace alng_npu {

// Where the tensors are in global memory; workspace is that of this operator.
struct Addresses {
  GM_ADDR dy;
  GM_ADDR x1;
  GM_ADDR x2;
  GM_ADDR rstd;
  GM_ADDR mean;
  GM_ADDR gamma;
  GM_ADDR dsum;
  GM_ADDR dx;
  GM_ADDR dgamma;
  GM_ADDR dbeta;
  GM_ADDR workspace;
};

// The two events of each slot of a double buffer.
template <AscendC::HardEvent filled, AscendC::HardEvent free>
struct SlotEvents {
  AscendC::TEventID is_filled[2];
  AscendC::TEventID is_free[2];

  __aicore__ inline void start() {
    for (uint32_t s = 0; s < 2; ++s) {
      is_filled[s] = GetTPipePtr()->template AllocEventID<filled>();
      is_free[s] = GetTPipePtr()->template AllocEventID<free>();
      AscendC::SetFlag<free>(is_free[s]);
    }
  }
  __aicore__ inline void finish() {
    for (uint32_t s = 0; s < 2; ++s) {
      AscendC::WaitFlag<free>(is_free[s]);
      GetTPipePtr()->template ReleaseEventID<filled>(is_filled[s]);
      GetTPipePtr()->template ReleaseEventID<free>(is_free[s]);
    }
  }
};

// T: of dy, x1, x2, dsum and dx. G: of gamma.
template <typename T, typename G, uint32_t mode>
class RowPass {
 public:
  __aicore__ inline void run(AscendC::TPipe& pipe, const Tiling& tiling, const Addresses& at) {
    tiling_ = &tiling;
    leaf_sums_ = tiling.wants_dgamma || tiling.wants_dbeta;
    buffers_.lay_out(pipe, tiling);
    set_addresses(at);
    in_.start();
    dsum_in_.start();
    out_.start();
    gamma_filled_ = GetTPipePtr()->AllocEventID<AscendC::HardEvent::MTE2_V>();
    gamma_free_ = GetTPipePtr()->AllocEventID<AscendC::HardEvent::V_MTE2>();
    sums_filled_ = GetTPipePtr()->AllocEventID<AscendC::HardEvent::V_MTE3>();
    sums_free_ = GetTPipePtr()->AllocEventID<AscendC::HardEvent::MTE3_V>();
    AscendC::SetFlag<AscendC::HardEvent::MTE3_V>(sums_free_);
    sweeps_.start(buffers_, tiling);

    const bool sums = tiling.wants_dx;
    inputs_.start(tiling, sums);
    dsums_.start(tiling, false);
    written_walk_.start(tiling, false);
    Walk walk;
    walk.start(tiling, sums);
    if (!walk.done()) {
      if (mode == kWholeRows && tiling.has_gamma) load_whole_gamma();
      for (uint32_t s = 0; s < 2; ++s) {
        load_inputs();
        load_dsum();
      }
    }
    while (!walk.done()) sweep(walk);
    in_.finish();
    dsum_in_.finish();
    out_.finish();
    AscendC::WaitFlag<AscendC::HardEvent::MTE3_V>(sums_free_);
    GetTPipePtr()->ReleaseEventID<AscendC::HardEvent::MTE2_V>(gamma_filled_);
    GetTPipePtr()->ReleaseEventID<AscendC::HardEvent::V_MTE2>(gamma_free_);
    GetTPipePtr()->ReleaseEventID<AscendC::HardEvent::V_MTE3>(sums_filled_);
    GetTPipePtr()->ReleaseEventID<AscendC::HardEvent::MTE3_V>(sums_free_);
  }

  // What the sweeps ask for. Of each kind the chunks are taken and given back one after another.

  // Waits for the inputs of the next chunk.
  __aicore__ inline Inputs<T> take_inputs() {
    const uint32_t slot = swept_++ & 1;
    AscendC::WaitFlag<AscendC::HardEvent::MTE2_V>(in_.is_filled[slot]);
    if (swept_walk_.starts_batch()) {
      const uint32_t batch = swept_batches_++;
      sweeps_.take_statistics(statistics(batch, 0), statistics(batch, 1), swept_walk_.batch_rows());
    }
    if (mode == kColumnChunks && tiling_->has_gamma && (swept_walk_.in_sums() || swept_walk_.starts_leaf())) {
      sweeps_.widen_gamma(buffers_.get<G>(kGammaRaw)[slot * tiling_->chunk], swept_walk_.columns());
    }
    swept_walk_.next();
    return {buffers_.slot<T>(kDy, slot, *tiling_), buffers_.slot<T>(kX1, slot, *tiling_),
            buffers_.slot<T>(kX2, slot, *tiling_)};
  }
  // The instructions that read them have been issued: fetches others into their place.
  __aicore__ inline void give_inputs_back() {
    AscendC::SetFlag<AscendC::HardEvent::V_MTE2>(in_.is_free[given_back_++ & 1]);
    load_inputs();
  }
  __aicore__ inline AscendC::LocalTensor<T> take_dsum() {
    const uint32_t slot = swept_dsums_++ & 1;
    AscendC::WaitFlag<AscendC::HardEvent::MTE2_V>(dsum_in_.is_filled[slot]);
    return buffers_.slot<T>(kDsum, slot, *tiling_);
  }
  __aicore__ inline void give_dsum_back() {
    AscendC::SetFlag<AscendC::HardEvent::V_MTE2>(dsum_in_.is_free[(swept_dsums_ - 1) & 1]);
    load_dsum();
  }
  // Waits for room for a chunk of dx.
  __aicore__ inline AscendC::LocalTensor<T> take_dx() {
    const uint32_t slot = written_ & 1;
    AscendC::WaitFlag<AscendC::HardEvent::MTE3_V>(out_.is_free[slot]);
    return buffers_.slot<T>(kDx, slot, *tiling_);
  }
  // The instructions that wrote it have been issued.
  __aicore__ inline void write_dx() {
    const uint32_t slot = written_++ & 1;
    AscendC::SetFlag<AscendC::HardEvent::V_MTE3>(out_.is_filled[slot]);
    AscendC::WaitFlag<AscendC::HardEvent::V_MTE3>(out_.is_filled[slot]);
    const uint32_t columns = written_walk_.columns();
    store_rows(dx_[element(written_walk_)], buffers_.slot<T>(kDx, slot, *tiling_), written_walk_.rows(), columns,
               tiling_->columns, round_up(columns, kLanes));
    AscendC::SetFlag<AscendC::HardEvent::MTE3_V>(out_.is_free[slot]);
    written_walk_.next();
  }
  // Waits until the sums of the leaf before are in global memory.
  __aicore__ inline void wait_for_leaf_sums() { AscendC::WaitFlag<AscendC::HardEvent::MTE3_V>(sums_free_); }

 private:
  __aicore__ inline void set_addresses(const Addresses& at) {
    const uint64_t elements = place(tiling_->rows * tiling_->columns);
    dy_.SetGlobalBuffer(reinterpret_cast<__gm__ T*>(at.dy), elements);
    x1_.SetGlobalBuffer(reinterpret_cast<__gm__ T*>(at.x1), elements);
    x2_.SetGlobalBuffer(reinterpret_cast<__gm__ T*>(at.x2), elements);
    dsum_.SetGlobalBuffer(reinterpret_cast<__gm__ T*>(at.dsum), tiling_->has_dsum ? elements : 0);
    dx_.SetGlobalBuffer(reinterpret_cast<__gm__ T*>(at.dx), tiling_->wants_dx ? elements : 0);
    rstd_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(at.rstd), place(tiling_->rows));
    mean_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(at.mean), place(tiling_->rows));
    gamma_.SetGlobalBuffer(reinterpret_cast<__gm__ G*>(at.gamma), tiling_->has_gamma ? place(tiling_->columns) : 0);
    slots_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(at.workspace),
                           leaf_sums_ ? place(tiling_->leaves * tiling_->slot_floats) : 0);
  }

  // gamma once for all rows.
  __aicore__ inline void load_whole_gamma() {
    AscendC::LocalTensor<G> raw = sweeps_.gamma_landing();
    // The landing place may just have been filled with zeros.
    AscendC::SetFlag<AscendC::HardEvent::V_MTE2>(gamma_free_);
    AscendC::WaitFlag<AscendC::HardEvent::V_MTE2>(gamma_free_);
    load_rows(raw, gamma_, 1, static_cast<uint32_t>(tiling_->columns), tiling_->columns, tiling_->pitch);
    AscendC::SetFlag<AscendC::HardEvent::MTE2_V>(gamma_filled_);
    AscendC::WaitFlag<AscendC::HardEvent::MTE2_V>(gamma_filled_);
    sweeps_.widen_gamma(raw, static_cast<uint32_t>(tiling_->columns));
  }

  __aicore__ inline uint64_t element(const Walk& walk) const {
    return place(walk.row() * tiling_->columns + walk.column());
  }

  __aicore__ inline AscendC::LocalTensor<float> statistics(uint32_t batch, uint32_t which) {
    const uint32_t rows = round_up(tiling_->batch_rows, kLanes);
    return buffers_.get<float>(kStatistics)[((batch & 1) * 2 + which) * rows];
  }

  // Fetches what the next first sweep reads.
  __aicore__ inline void load_inputs() {
    if (inputs_.done()) return;
    const uint32_t slot = loaded_ & 1;
    AscendC::WaitFlag<AscendC::HardEvent::V_MTE2>(in_.is_free[slot]);
    if (inputs_.starts_batch()) {
      // The slot of the batch before the last is free: its first tile is, and what it read was read by then.
      const uint32_t batch = loaded_batches_++;
      load_scalars(statistics(batch, 0), mean_[place(inputs_.row())], inputs_.batch_rows());
      load_scalars(statistics(batch, 1), rstd_[place(inputs_.row())], inputs_.batch_rows());
    }
    const uint32_t rows = inputs_.rows();
    const uint32_t columns = inputs_.columns();
    const uint32_t width = round_up(columns, kLanes);
    const uint64_t from = element(inputs_);
    load_rows(buffers_.slot<T>(kX1, slot, *tiling_), x1_[from], rows, columns, tiling_->columns, width);
    load_rows(buffers_.slot<T>(kX2, slot, *tiling_), x2_[from], rows, columns, tiling_->columns, width);
    load_rows(buffers_.slot<T>(kDy, slot, *tiling_), dy_[from], rows, columns, tiling_->columns, width);
    if (mode == kColumnChunks && tiling_->has_gamma && (inputs_.in_sums() || inputs_.starts_leaf())) {
      load_rows(buffers_.get<G>(kGammaRaw)[slot * tiling_->chunk], gamma_[place(inputs_.column())], 1, columns,
                tiling_->columns, width);
    }
    AscendC::SetFlag<AscendC::HardEvent::MTE2_V>(in_.is_filled[slot]);
    ++loaded_;
    inputs_.next();
  }

  // Fetches what the next second sweep reads.
  __aicore__ inline void load_dsum() {
    if (!has_dsum() || dsums_.done()) return;
    const uint32_t slot = loaded_dsums_ & 1;
    const uint32_t columns = dsums_.columns();
    AscendC::WaitFlag<AscendC::HardEvent::V_MTE2>(dsum_in_.is_free[slot]);
    load_rows(buffers_.slot<T>(kDsum, slot, *tiling_), dsum_[element(dsums_)], dsums_.rows(), columns, tiling_->columns,
              round_up(columns, kLanes));
    AscendC::SetFlag<AscendC::HardEvent::MTE2_V>(dsum_in_.is_filled[slot]);
    ++loaded_dsums_;
    dsums_.next();
  }

  __aicore__ inline bool has_dsum() const { return tiling_->has_dsum && tiling_->wants_dx; }

  __aicore__ inline Step step_at(const Walk& walk) const {
    Step step;
    step.rows = walk.rows();
    step.columns = mode == kWholeRows ? static_cast<uint32_t>(tiling_->columns) : walk.columns();
    step.width = round_up(step.columns, kLanes);
    step.chunks = mode == kWholeRows ? walk.chunks() : 1;
    step.row = walk.row_of_batch();
    step.sum_row = mode == kWholeRows ? 0 : step.row;
    step.starts_row = walk.chunk() == 0;
    step.starts_leaf = walk.starts_leaf();
    step.ends_batch = walk.ends_leaf() || step.row + step.rows == tiling_->batch_rows;
    step.sums = mode == kWholeRows ? tiling_->wants_dx : walk.in_sums();
    step.leaf_sums = leaf_sums_ && !walk.in_sums();
    return step;
  }

  // The sums of the columns from `column` on, to the leaf's slot.
  __aicore__ inline void store_leaf_sums(int64_t leaf, int64_t column, uint32_t width) {
    AscendC::SetFlag<AscendC::HardEvent::V_MTE3>(sums_filled_);
    AscendC::WaitFlag<AscendC::HardEvent::V_MTE3>(sums_filled_);
    const int64_t to = leaf * tiling_->slot_floats + column;
    store_rows(slots_[place(to)], buffers_.get<float>(kDgamma), 1, width, width, width);
    store_rows(slots_[place(to + tiling_->slot_floats / 2)], buffers_.get<float>(kDbeta), 1, width, width, width);
    AscendC::SetFlag<AscendC::HardEvent::MTE3_V>(sums_free_);
  }

  // One step; the walk goes on behind it. In column chunks the first pass only sums, the second does the rest.
  __aicore__ inline void sweep(Walk& walk) {
    const Step step = step_at(walk);
    const int64_t leaf = walk.leaf();
    const int64_t column = mode == kWholeRows ? 0 : walk.column();
    const bool in_sums = walk.in_sums();
    const bool ends_leaf = walk.ends_leaf();
    const bool ends_row = mode == kWholeRows || walk.chunk() + 1 == walk.chunks();
    swept_walk_ = walk;
    sweeps_.first(step, *this);
    if (ends_row || !in_sums) sweeps_.finish(step, ends_leaf, *this);
    if (tiling_->wants_dx && !in_sums) sweeps_.second(step, *this);
    if (leaf_sums_ && ends_leaf && !in_sums) store_leaf_sums(leaf, column, step.width);
    for (uint32_t c = 0; c < step.chunks; ++c) walk.next();
  }

  const Tiling* tiling_ = nullptr;
  bool leaf_sums_ = false;
  UnifiedBuffer buffers_;
  Sweeps<T, G> sweeps_;
  AscendC::GlobalTensor<T> dy_, x1_, x2_, dsum_, dx_;
  AscendC::GlobalTensor<float> rstd_, mean_, slots_;
  AscendC::GlobalTensor<G> gamma_;
  SlotEvents<AscendC::HardEvent::MTE2_V, AscendC::HardEvent::V_MTE2> in_, dsum_in_;
  SlotEvents<AscendC::HardEvent::V_MTE3, AscendC::HardEvent::MTE3_V> out_;
  AscendC::TEventID gamma_filled_ = 0, gamma_free_ = 0, sums_filled_ = 0, sums_free_ = 0;
  Walk inputs_, dsums_;             // what is fetched next
  Walk swept_walk_, written_walk_;  // what is swept and written next
  uint32_t loaded_ = 0, loaded_dsums_ = 0, loaded_batches_ = 0;
  uint32_t swept_ = 0, given_back_ = 0, swept_batches_ = 0, swept_dsums_ = 0, written_ = 0;
};

}  // namespace alng_npu

#endif
