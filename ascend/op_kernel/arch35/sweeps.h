// The sweeps over whole rows, or over a chunk of a row, for architecture 3510 (Ascend 950).
//
// Three vector functions: along the rows for h, w and the row sums; down the rows for dgamma and dbeta, which stay in
// registers on the way; along the rows for dx. For 64 elements 17 arithmetic instructions and 9 loads write a register
// each, two in a cycle: 13 cycles, where the bytes of float16 take 20 or more.
#ifndef ALNG_ASCEND_OP_KERNEL_ARCH35_SWEEPS_H
#define ALNG_ASCEND_OP_KERNEL_ARCH35_SWEEPS_H

#include "registers.h"

namespace alng_npu {

template <typename T, typename G>
class Sweeps {
 public:
  __aicore__ inline void start(UnifiedBuffer& buffers, const Tiling& tiling) {
    buffers_ = &buffers;
    tiling_ = &tiling;
    h_ = buffers.get<float>(kH);
    dgamma_ = buffers.get<float>(kDgamma);
    dbeta_ = buffers.get<float>(kDbeta);
    mean_ = buffers.get<float>(kMeanBlocks);
    rstd_ = buffers.get<float>(kRstdBlocks);
    row_sums_ = buffers.get<float>(kRowSums);
    if (tiling.has_gamma) gamma_ = buffers.get<float>(kGamma);
    sum_rows_ = round_up(tiling.mode == kColumnChunks ? tiling.batch_rows : tiling.tile_rows, kBlockFloats);
  }

  // Where gamma of whole rows is copied to before widen_gamma; w is not in use yet.
  __aicore__ inline AscendC::LocalTensor<G> gamma_landing() {
    if constexpr (sizeof(G) == 4) return gamma_;
    return buffers_->get<G>(kW);
  }

  __aicore__ inline void widen_gamma(const AscendC::LocalTensor<G>& raw, uint32_t columns) {
    if (sizeof(G) == 4 && tiling_->mode == kWholeRows) return;
    widen(raw, gamma_, columns);
  }

  // Copies them: their slot is filled again before the last row of the batch is done.
  __aicore__ inline void take_statistics(const Floats& mean, const Floats& rstd, uint32_t rows) {
    widen(mean, mean_, rows);
    widen(rstd, rstd_, rows);
  }

  template <typename Rows>
  __aicore__ inline void first(const Step& step, Rows& rows) {
    for (uint32_t c = 0; c < step.chunks; ++c) {
      const Chunk chunk = chunk_of(step, *tiling_, c);
      const Inputs<T> in = rows.take_inputs();
      const SumsOfRow sums = !step.sums ? kNone : step.starts_row && c == 0 ? kStart : kGoOn;
      if (tiling_->keeps_dy) {
        weigh<T>(step, chunk, in, sums);
      } else {
        weigh<float>(step, chunk, in, sums);
      }
      barrier();
      if (step.leaf_sums) {
        if (step.starts_leaf) {
          if (c == 0) rows.wait_for_leaf_sums();
          down_rows<true>(step, chunk, in);
        } else {
          down_rows<false>(step, chunk, in);
        }
        barrier();
      }
      rows.give_inputs_back();
    }
  }

  // Row sums are complete already.
  template <typename Rows>
  __aicore__ inline void finish(const Step&, bool, Rows&) {}

  template <typename Rows>
  __aicore__ inline void second(const Step& step, Rows& rows) {
    for (uint32_t c = 0; c < step.chunks; ++c) {
      const Chunk chunk = chunk_of(step, *tiling_, c);
      if (tiling_->has_dsum) {
        const AscendC::LocalTensor<T> dsum = rows.take_dsum();
        finish_dx<true>(step, chunk, dsum, rows.take_dx());
        rows.give_dsum_back();
      } else {
        const AscendC::LocalTensor<T> dx = rows.take_dx();
        finish_dx<false>(step, chunk, dx, dx);
      }
      rows.write_dx();
      barrier();
    }
  }

 private:
  template <typename S>
  __aicore__ inline void widen(const AscendC::LocalTensor<S>& from, const Floats& to, uint32_t columns) {
    __ubuf__ S* source = reinterpret_cast<__ubuf__ S*>(from.GetPhyAddr());
    __ubuf__ float* target = reinterpret_cast<__ubuf__ float*>(to.GetPhyAddr());
    const uint16_t registers = registers_of(columns);
    barrier();
    __VEC_SCOPE__ {
      FloatReg value;
      uint32_t left = columns;
      for (uint16_t j = 0; j < registers; ++j) {
        Reg::MaskReg mask = Reg::UpdateMask<float>(left);
        load(value, source + j * kLanes, mask);
        store(target + j * kLanes, value, mask);
      }
    }
    barrier();
  }

  template <typename Kept>
  __aicore__ inline AscendC::LocalTensor<Kept> kept(uint32_t offset) {
    return buffers_->get<Kept>(kW)[offset];
  }

  // What becomes of a row's sums of w and w*h. A vector function has no branches: there is one for each.
  enum SumsOfRow { kNone, kStart, kGoOn };

  // Kept: what stays of dy, float for w and T for dy itself.
  template <typename Kept>
  __aicore__ inline void weigh(const Step& step, const Chunk& chunk, const Inputs<T>& in, SumsOfRow sums) {
    if (tiling_->has_gamma) {
      weigh<Kept, true>(step, chunk, in, sums);
    } else {
      weigh<Kept, false>(step, chunk, in, sums);
    }
  }
  template <typename Kept, bool has_gamma>
  __aicore__ inline void weigh(const Step& step, const Chunk& chunk, const Inputs<T>& in, SumsOfRow sums) {
    if (sums == kNone) {
      along_rows<Kept, has_gamma, kNone>(step, chunk, in);
    } else if (sums == kStart) {
      along_rows<Kept, has_gamma, kStart>(step, chunk, in);
    } else {
      along_rows<Kept, has_gamma, kGoOn>(step, chunk, in);
    }
  }
  template <bool has_dsum>
  __aicore__ inline void finish_dx(const Step& step, const Chunk& chunk, const AscendC::LocalTensor<T>& dsum,
                                   const AscendC::LocalTensor<T>& dx) {
    if (!tiling_->keeps_dy) {
      to_dx<float, false, has_dsum>(step, chunk, dsum, dx);
    } else if (tiling_->has_gamma) {
      to_dx<T, true, has_dsum>(step, chunk, dsum, dx);
    } else {
      to_dx<T, false, has_dsum>(step, chunk, dsum, dx);
    }
  }

  // h, w and the row sums.
  template <typename Kept, bool has_gamma, SumsOfRow sums>
  __aicore__ inline void along_rows(const Step& step, const Chunk& chunk, const Inputs<T>& in) {
    __ubuf__ T* dy = reinterpret_cast<__ubuf__ T*>(in.dy.GetPhyAddr());
    __ubuf__ T* x1 = reinterpret_cast<__ubuf__ T*>(in.x1.GetPhyAddr());
    __ubuf__ T* x2 = reinterpret_cast<__ubuf__ T*>(in.x2.GetPhyAddr());
    __ubuf__ float* h = reinterpret_cast<__ubuf__ float*>(h_[chunk.offset].GetPhyAddr());
    __ubuf__ Kept* of_dy = reinterpret_cast<__ubuf__ Kept*>(kept<Kept>(chunk.offset).GetPhyAddr());
    __ubuf__ float* gamma = has_gamma ? reinterpret_cast<__ubuf__ float*>(gamma_[chunk.offset].GetPhyAddr()) : nullptr;
    __ubuf__ float* mean = reinterpret_cast<__ubuf__ float*>(mean_[step.row].GetPhyAddr());
    __ubuf__ float* rstd = reinterpret_cast<__ubuf__ float*>(rstd_[step.row].GetPhyAddr());
    __ubuf__ float* sum1 = reinterpret_cast<__ubuf__ float*>(row_sums_[step.sum_row].GetPhyAddr());
    __ubuf__ float* sum2 = reinterpret_cast<__ubuf__ float*>(row_sums_[sum_rows_ + step.sum_row].GetPhyAddr());
    const uint16_t rows = static_cast<uint16_t>(step.rows);
    const uint16_t registers = registers_of(chunk.columns);
    const uint32_t columns = chunk.columns;
    const uint32_t width = chunk.width;
    __VEC_SCOPE__ {
      FloatReg mean_of_row, rstd_of_row, s1, s2, before, w_of, value, other, weight;
      Reg::MaskReg all = Reg::CreateMask<float, Reg::MaskPattern::ALL>();
      Reg::MaskReg one = Reg::CreateMask<float, Reg::MaskPattern::VL1>();
      for (uint16_t r = 0; r < rows; ++r) {
        load_number(mean_of_row, mean + r);
        load_number(rstd_of_row, rstd + r);
        Reg::Duplicate(s1, 0.0f, all);
        Reg::Duplicate(s2, 0.0f, all);
        uint32_t left = columns;
        for (uint16_t j = 0; j < registers; ++j) {
          Reg::MaskReg mask = Reg::UpdateMask<float>(left);
          const uint32_t at = r * width + j * kLanes;
          load(value, x1 + at, mask);
          load(other, x2 + at, mask);
          load(w_of, dy + at, mask);
          Reg::Add(value, value, other, mask);
          Reg::Sub(value, value, mean_of_row, mask);
          Reg::Mul(value, value, rstd_of_row, mask);
          store(h + at, value, mask);
          if constexpr (sizeof(Kept) == 2) store(of_dy + at, w_of, mask);
          if constexpr (has_gamma) {
            load(weight, gamma + j * kLanes, mask);
            Reg::Mul(w_of, w_of, weight, mask);
          } else if constexpr (sizeof(T) == 4) {
            Reg::Adds(w_of, w_of, 0.0f, mask);  // what was loaded behind the last column becomes zeros
          }
          if constexpr (sizeof(Kept) == 4) store(of_dy + at, w_of, mask);
          if constexpr (sums != kNone) {
            // Lanes that are off are added as zeros.
            Reg::Add(s1, s1, w_of, all);
            Reg::MulAddDst(s2, w_of, value, all);
          }
        }
        if constexpr (sums != kNone) {
          Reg::Reduce<Reg::ReduceType::SUM>(s1, s1, all);
          Reg::Reduce<Reg::ReduceType::SUM>(s2, s2, all);
          if constexpr (sums == kGoOn) {
            load_number(before, sum1 + r);
            Reg::Add(s1, s1, before, one);
            load_number(before, sum2 + r);
            Reg::Add(s2, s2, before, one);
          }
          Reg::StoreAlign<float, Reg::StoreDist::DIST_FIRST_ELEMENT_B32>(sum1 + r, s1, one);
          Reg::StoreAlign<float, Reg::StoreDist::DIST_FIRST_ELEMENT_B32>(sum2 + r, s2, one);
        }
      }
    }
  }

  // dgamma and dbeta of the leaf, which `starts` with this tile.
  template <bool starts>
  __aicore__ inline void down_rows(const Step& step, const Chunk& chunk, const Inputs<T>& in) {
    __ubuf__ T* dy = reinterpret_cast<__ubuf__ T*>(in.dy.GetPhyAddr());
    __ubuf__ float* h = reinterpret_cast<__ubuf__ float*>(h_[chunk.offset].GetPhyAddr());
    __ubuf__ float* dgamma = reinterpret_cast<__ubuf__ float*>(dgamma_[chunk.offset].GetPhyAddr());
    __ubuf__ float* dbeta = reinterpret_cast<__ubuf__ float*>(dbeta_[chunk.offset].GetPhyAddr());
    const uint16_t rows = static_cast<uint16_t>(step.rows);
    const uint16_t registers = registers_of(chunk.columns);
    const uint32_t columns = chunk.columns;
    const uint32_t width = chunk.width;
    __VEC_SCOPE__ {
      FloatReg gamma_sum, beta_sum, tile_gamma, tile_beta, dy_of, h_of;
      Reg::MaskReg all = Reg::CreateMask<float, Reg::MaskPattern::ALL>();
      uint32_t left = columns;
      for (uint16_t j = 0; j < registers; ++j) {
        Reg::MaskReg mask = Reg::UpdateMask<float>(left);
        // The tile's rows among themselves first: shorter chains of additions.
        Reg::Duplicate(tile_gamma, 0.0f, all);
        Reg::Duplicate(tile_beta, 0.0f, all);
        for (uint16_t r = 0; r < rows; ++r) {
          const uint32_t at = r * width + j * kLanes;
          load(dy_of, dy + at, mask);
          load(h_of, h + at, mask);
          Reg::MulAddDst(tile_gamma, dy_of, h_of, mask);
          Reg::Add(tile_beta, tile_beta, dy_of, mask);
        }
        if constexpr (!starts) {
          load(gamma_sum, dgamma + j * kLanes, mask);
          load(beta_sum, dbeta + j * kLanes, mask);
          Reg::Add(tile_gamma, tile_gamma, gamma_sum, mask);
          Reg::Add(tile_beta, tile_beta, beta_sum, mask);
        }
        // The whole register: zeros behind the last column, which go to the workspace with it.
        store(dgamma + j * kLanes, tile_gamma, all);
        store(dbeta + j * kLanes, tile_beta, all);
      }
    }
  }

  // rstd * (w - m1 - h*m2) + dsum
  template <typename Kept, bool weighs, bool has_dsum>
  __aicore__ inline void to_dx(const Step& step, const Chunk& chunk, const AscendC::LocalTensor<T>& dsum_of,
                               const AscendC::LocalTensor<T>& dx_of) {
    __ubuf__ T* dsum = reinterpret_cast<__ubuf__ T*>(dsum_of.GetPhyAddr());
    __ubuf__ T* dx = reinterpret_cast<__ubuf__ T*>(dx_of.GetPhyAddr());
    __ubuf__ float* h = reinterpret_cast<__ubuf__ float*>(h_[chunk.offset].GetPhyAddr());
    __ubuf__ Kept* of_dy = reinterpret_cast<__ubuf__ Kept*>(kept<Kept>(chunk.offset).GetPhyAddr());
    __ubuf__ float* gamma = weighs ? reinterpret_cast<__ubuf__ float*>(gamma_[chunk.offset].GetPhyAddr()) : nullptr;
    __ubuf__ float* rstd = reinterpret_cast<__ubuf__ float*>(rstd_[step.row].GetPhyAddr());
    __ubuf__ float* sum1 = reinterpret_cast<__ubuf__ float*>(row_sums_[step.sum_row].GetPhyAddr());
    __ubuf__ float* sum2 = reinterpret_cast<__ubuf__ float*>(row_sums_[sum_rows_ + step.sum_row].GetPhyAddr());
    const uint16_t rows = static_cast<uint16_t>(step.rows);
    const uint16_t registers = registers_of(chunk.columns);
    const uint32_t columns = chunk.columns;
    const uint32_t width = chunk.width;
    const float scale = -tiling_->inverse_columns;
    __VEC_SCOPE__ {
      FloatReg m1, m2, rstd_of_row, value, h_of, weight, dsum_of_row;
      Reg::MaskReg all = Reg::CreateMask<float, Reg::MaskPattern::ALL>();
      for (uint16_t r = 0; r < rows; ++r) {
        load_number(m1, sum1 + r);
        load_number(m2, sum2 + r);
        load_number(rstd_of_row, rstd + r);
        Reg::Muls(m1, m1, scale, all);
        Reg::Muls(m2, m2, scale, all);
        uint32_t left = columns;
        for (uint16_t j = 0; j < registers; ++j) {
          Reg::MaskReg mask = Reg::UpdateMask<float>(left);
          const uint32_t at = r * width + j * kLanes;
          load(value, of_dy + at, mask);
          load(h_of, h + at, mask);
          if constexpr (weighs) {
            load(weight, gamma + j * kLanes, mask);
            Reg::Mul(value, value, weight, mask);
          }
          Reg::Add(value, value, m1, mask);
          Reg::MulAddDst(value, h_of, m2, mask);
          if constexpr (has_dsum) {
            load(dsum_of_row, dsum + at, mask);
            Reg::MulDstAdd(value, rstd_of_row, dsum_of_row, mask);
          } else {
            Reg::Mul(value, value, rstd_of_row, mask);
          }
          store(dx + at, value, mask);
        }
      }
    }
  }

  UnifiedBuffer* buffers_ = nullptr;
  const Tiling* tiling_ = nullptr;
  Floats h_, gamma_, dgamma_, dbeta_, mean_, rstd_, row_sums_;
  uint32_t sum_rows_ = 0;  // from row sums of w to those of w*h
};

}  // namespace alng_npu

#endif
