// The column pass: the leaves' sums to dgamma and dbeta. The cores share the columns, so no sum depends on their
// number: up to kFoldedLeaves leaves are added as a tree, the trees one after another.
#ifndef ALNG_ASCEND_OP_KERNEL_COLUMN_PASS_H
#define ALNG_ASCEND_OP_KERNEL_COLUMN_PASS_H

#include "row_pass.h"
#if ALNG_NPU_ARCH == 3510
#include "arch35/leaves.h"
#else
#include "arch22/leaves.h"
#endif

namespace alng_npu {

class ColumnPass {
 public:
  __aicore__ inline void run(AscendC::TPipe& pipe, const Tiling& tiling, const Addresses& at) {
    tiling_ = &tiling;
    pipe.InitBuffer(slots_, tiling.column_buffer_bytes[0]);
    pipe.InitBuffer(sum_, tiling.column_buffer_bytes[1]);
    partial_sums_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(at.workspace),
                                  place(tiling.leaves * tiling.slot_floats));
    dgamma_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(at.dgamma),
                            tiling.wants_dgamma ? place(tiling.columns) : 0);
    dbeta_.SetGlobalBuffer(reinterpret_cast<__gm__ float*>(at.dbeta), tiling.wants_dbeta ? place(tiling.columns) : 0);
    in_.start();
    filled_ = GetTPipePtr()->AllocEventID<AscendC::HardEvent::V_MTE3>();
    free_ = GetTPipePtr()->AllocEventID<AscendC::HardEvent::MTE3_V>();
    AscendC::SetFlag<AscendC::HardEvent::MTE3_V>(free_);

    const Part units = part_of(tiling.column_units, AscendC::GetBlockNum(), AscendC::GetBlockIdx());
    const int64_t half = tiling.slot_floats / 2;
    for (int64_t from = units.begin * kLanes; from < units.end * kLanes;) {
      // dgamma's columns come first, dbeta's after them.
      const bool beta = from >= half;
      const int64_t column = beta ? from - half : from;
      int64_t end = from + tiling.column_chunk;
      if (end > units.end * kLanes) end = units.end * kLanes;
      if (!beta && end > half) end = half;
      const uint32_t width = static_cast<uint32_t>(end - from);
      if (beta ? tiling.wants_dbeta : tiling.wants_dgamma) sum_columns(from, column, width, beta ? dbeta_ : dgamma_);
      from = end;
    }
    in_.finish();
    AscendC::WaitFlag<AscendC::HardEvent::MTE3_V>(free_);
    GetTPipePtr()->ReleaseEventID<AscendC::HardEvent::V_MTE3>(filled_);
    GetTPipePtr()->ReleaseEventID<AscendC::HardEvent::MTE3_V>(free_);
  }

 private:
  __aicore__ inline AscendC::LocalTensor<float> slot(uint32_t index) {
    const uint32_t leaves = tiling_->leaves < kFoldedLeaves ? static_cast<uint32_t>(tiling_->leaves) : kFoldedLeaves;
    return slots_.Get<float>()[(index & 1) * leaves * tiling_->column_chunk];
  }

  __aicore__ inline uint32_t leaves_from(int64_t leaf) const {
    const int64_t left = tiling_->leaves - leaf;
    return left < kFoldedLeaves ? static_cast<uint32_t>(left) : kFoldedLeaves;
  }

  __aicore__ inline void load(int64_t leaf, int64_t from, uint32_t width) {
    if (leaf >= tiling_->leaves) return;
    const uint32_t s = loaded_++ & 1;
    AscendC::WaitFlag<AscendC::HardEvent::V_MTE2>(in_.is_free[s]);
    load_rows(slot(s), partial_sums_[place(leaf * tiling_->slot_floats + from)], leaves_from(leaf), width,
              tiling_->slot_floats, width);
    AscendC::SetFlag<AscendC::HardEvent::MTE2_V>(in_.is_filled[s]);
  }

  // `width` columns from `from` on of all slots, written as the columns from `column` on of the result.
  __aicore__ inline void sum_columns(int64_t from, int64_t column, uint32_t width,
                                     AscendC::GlobalTensor<float>& result) {
    const AscendC::LocalTensor<float> sum = sum_.Get<float>();
    load(0, from, width);
    load(kFoldedLeaves, from, width);
    AscendC::WaitFlag<AscendC::HardEvent::MTE3_V>(free_);
    if (tiling_->leaves == 0) clear_sum(sum, width);
    for (int64_t leaf = 0; leaf < tiling_->leaves; leaf += kFoldedLeaves) {
      const uint32_t s = summed_++ & 1;
      AscendC::WaitFlag<AscendC::HardEvent::MTE2_V>(in_.is_filled[s]);
      fold_leaves(slot(s), leaves_from(leaf), width);
      add_leaves(sum, slot(s), width, leaf == 0);
      AscendC::SetFlag<AscendC::HardEvent::V_MTE2>(in_.is_free[s]);
      load(leaf + 2 * kFoldedLeaves, from, width);
    }
    AscendC::SetFlag<AscendC::HardEvent::V_MTE3>(filled_);
    AscendC::WaitFlag<AscendC::HardEvent::V_MTE3>(filled_);
    const int64_t left = tiling_->columns - column;
    const uint32_t columns = left < width ? static_cast<uint32_t>(left) : width;
    store_rows(result[place(column)], sum, 1, columns, columns, width);
    AscendC::SetFlag<AscendC::HardEvent::MTE3_V>(free_);
  }

  const Tiling* tiling_ = nullptr;
  AscendC::TBuf<AscendC::TPosition::VECCALC> slots_, sum_;
  AscendC::GlobalTensor<float> partial_sums_, dgamma_, dbeta_;
  SlotEvents<AscendC::HardEvent::MTE2_V, AscendC::HardEvent::V_MTE2> in_;
  AscendC::TEventID filled_ = 0, free_ = 0;
  uint32_t loaded_ = 0, summed_ = 0;
};

}  // namespace alng_npu

#endif
