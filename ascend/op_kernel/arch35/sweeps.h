// The sweeps over whole rows, or over a chunk of a row, for architecture 3510 (Ascend 950).
//
// Three vector functions: along the rows for h, w and the row sums; down the rows for dgamma and dbeta, which stay in
// registers on the way; along the rows for dx. Where a tile has one or two rows the first one does the second's work
// too, so that dy and h are not loaded again. A register write each for every load and every arithmetic instruction,
// two in a cycle: for 64 elements of float16 with gamma and dsum 12.75 cycles, or 11.75 where two rows are a tile.
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
      // A leaf's first tile has its sums apart, so that h and w do not wait for those of the leaf before to be stored.
      const bool at_once = step.leaf_sums && step.rows <= 2 && !step.starts_leaf;
      if (tiling_->keeps_dy) {
        weigh<T>(step, chunk, in, sums, at_once);
      } else {
        weigh<float>(step, chunk, in, sums, at_once);
      }
      barrier();
      if (step.leaf_sums && !at_once) {
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

  // Kept: what stays of dy, float for w and T for dy itself. leaf_sums: dgamma and dbeta too.
  template <typename Kept>
  __aicore__ inline void weigh(const Step& step, const Chunk& chunk, const Inputs<T>& in, SumsOfRow sums,
                               bool leaf_sums) {
    if (tiling_->has_gamma) {
      weigh<Kept, true>(step, chunk, in, sums, leaf_sums);
    } else {
      weigh<Kept, false>(step, chunk, in, sums, leaf_sums);
    }
  }
  template <typename Kept, bool has_gamma>
  __aicore__ inline void weigh(const Step& step, const Chunk& chunk, const Inputs<T>& in, SumsOfRow sums,
                               bool leaf_sums) {
    if (leaf_sums) {
      weigh<Kept, has_gamma, true>(step, chunk, in, sums);
    } else {
      weigh<Kept, has_gamma, false>(step, chunk, in, sums);
    }
  }
  template <typename Kept, bool has_gamma, bool leaf_sums>
  __aicore__ inline void weigh(const Step& step, const Chunk& chunk, const Inputs<T>& in, SumsOfRow sums) {
    if (sums == kNone) {
      along_rows<Kept, has_gamma, kNone, leaf_sums>(step, chunk, in);
    } else if (sums == kStart) {
      along_rows<Kept, has_gamma, kStart, leaf_sums>(step, chunk, in);
    } else {
      along_rows<Kept, has_gamma, kGoOn, leaf_sums>(step, chunk, in);
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

  static __simd_callee__ inline void start_row(FloatReg& mean_of_row, FloatReg& rstd_of_row, FloatReg& s1, FloatReg& s2,
                                               __ubuf__ float* mean, __ubuf__ float* rstd, Reg::MaskReg& all) {
    load_number(mean_of_row, mean);
    load_number(rstd_of_row, rstd);
    Reg::Duplicate(s1, 0.0f, all);
    Reg::Duplicate(s2, 0.0f, all);
  }
  template <SumsOfRow sums>
  static __simd_callee__ inline void end_sum(__ubuf__ float* to, FloatReg& sum, Reg::MaskReg& all) {
    if constexpr (sums != kNone) {
      Reg::MaskReg one = Reg::CreateMask<float, Reg::MaskPattern::VL1>();
      Reg::Reduce<Reg::ReduceType::SUM>(sum, sum, all);
      if constexpr (sums == kGoOn) {
        FloatReg before;
        load_number(before, to);
        Reg::Add(sum, sum, before, one);
      }
      Reg::StoreAlign<float, Reg::StoreDist::DIST_FIRST_ELEMENT_B32>(to, sum, one);
    }
  }

  // Forms h and w of 64 columns of a row, stores h and what stays of dy, and adds to the sums.
  template <typename Kept, bool has_gamma, SumsOfRow sums, bool leaf_sums>
  static __simd_callee__ inline void form(__ubuf__ T* dy, __ubuf__ T* x1, __ubuf__ T* x2, __ubuf__ float* h,
                                          __ubuf__ Kept* of_dy, FloatReg& mean, FloatReg& rstd, FloatReg& weight,
                                          FloatReg& s1, FloatReg& s2, FloatReg& gamma_sum, FloatReg& beta_sum,
                                          Reg::MaskReg& mask, Reg::MaskReg& all) {
    FloatReg value, other, w_of;
    load(value, x1, mask);
    load(other, x2, mask);
    if constexpr (sizeof(Kept) == 2) {
      Reg::RegTensor<T> packed;  // what stays of dy needs no Cast
      Reg::LoadAlign<T, Reg::LoadDist::DIST_UNPACK_B16>(packed, dy);
      Reg::StoreAlign<T, Reg::StoreDist::DIST_PACK_B32>(of_dy, packed, mask);
      Reg::Cast<float, T, kWiden>(w_of, packed, mask);
    } else {
      load(w_of, dy, mask);
    }
    Reg::Add(value, value, other, mask);
    Reg::Sub(value, value, mean, mask);
    Reg::Mul(value, value, rstd, mask);
    store(h, value, mask);
    if constexpr (leaf_sums) {
      Reg::MulAddDst(gamma_sum, w_of, value, mask);
      Reg::Add(beta_sum, beta_sum, w_of, mask);
    }
    if constexpr (has_gamma) {
      Reg::Mul(w_of, w_of, weight, mask);
    } else if constexpr (sizeof(T) == 4) {
      Reg::Adds(w_of, w_of, 0.0f, mask);  // what was loaded behind the last column becomes zeros
    }
    if constexpr (sizeof(Kept) == 4) store(of_dy, w_of, mask);
    if constexpr (sums != kNone) {
      // Lanes that are off are added as zeros.
      Reg::Add(s1, s1, w_of, all);
      Reg::MulAddDst(s2, w_of, value, all);
    }
  }

  // h, w and the row sums, two rows at a time, which share the loads of gamma and of the leaf's sums; leaf_sums is for
  // one or two rows: there is no barrier between storing them and loading them again.
  template <typename Kept, bool has_gamma, SumsOfRow sums, bool leaf_sums>
  __aicore__ inline void along_rows(const Step& step, const Chunk& chunk, const Inputs<T>& in) {
    __ubuf__ T* dy = reinterpret_cast<__ubuf__ T*>(in.dy.GetPhyAddr());
    __ubuf__ T* x1 = reinterpret_cast<__ubuf__ T*>(in.x1.GetPhyAddr());
    __ubuf__ T* x2 = reinterpret_cast<__ubuf__ T*>(in.x2.GetPhyAddr());
    __ubuf__ float* h = reinterpret_cast<__ubuf__ float*>(h_[chunk.offset].GetPhyAddr());
    __ubuf__ Kept* of_dy = reinterpret_cast<__ubuf__ Kept*>(kept<Kept>(chunk.offset).GetPhyAddr());
    __ubuf__ float* gamma = has_gamma ? reinterpret_cast<__ubuf__ float*>(gamma_[chunk.offset].GetPhyAddr()) : nullptr;
    __ubuf__ float* dgamma = reinterpret_cast<__ubuf__ float*>(dgamma_[chunk.offset].GetPhyAddr());
    __ubuf__ float* dbeta = reinterpret_cast<__ubuf__ float*>(dbeta_[chunk.offset].GetPhyAddr());
    __ubuf__ float* mean = reinterpret_cast<__ubuf__ float*>(mean_[step.row].GetPhyAddr());
    __ubuf__ float* rstd = reinterpret_cast<__ubuf__ float*>(rstd_[step.row].GetPhyAddr());
    __ubuf__ float* sum1 = reinterpret_cast<__ubuf__ float*>(row_sums_[step.sum_row].GetPhyAddr());
    __ubuf__ float* sum2 = reinterpret_cast<__ubuf__ float*>(row_sums_[sum_rows_ + step.sum_row].GetPhyAddr());
    const uint16_t pairs = static_cast<uint16_t>(step.rows / 2);
    const uint16_t single = static_cast<uint16_t>(step.rows % 2);
    const uint16_t registers = registers_of(chunk.columns);
    const uint32_t columns = chunk.columns;
    const uint32_t width = chunk.width;
    __VEC_SCOPE__ {
      FloatReg mean_a, rstd_a, s1_a, s2_a, mean_b, rstd_b, s1_b, s2_b, weight, gamma_sum, beta_sum;
      Reg::MaskReg all = Reg::CreateMask<float, Reg::MaskPattern::ALL>();
      for (uint16_t p = 0; p < pairs; ++p) {
        const uint32_t r = 2 * p;
        start_row(mean_a, rstd_a, s1_a, s2_a, mean + r, rstd + r, all);
        start_row(mean_b, rstd_b, s1_b, s2_b, mean + r + 1, rstd + r + 1, all);
        uint32_t left = columns;
        for (uint16_t j = 0; j < registers; ++j) {
          Reg::MaskReg mask = Reg::UpdateMask<float>(left);
          const uint32_t at = j * kLanes;
          const uint32_t a = r * width + at;
          const uint32_t b = a + width;
          if constexpr (has_gamma) load(weight, gamma + at, mask);
          if constexpr (leaf_sums) {
            load(gamma_sum, dgamma + at, all);
            load(beta_sum, dbeta + at, all);
          }
          form<Kept, has_gamma, sums, leaf_sums>(dy + a, x1 + a, x2 + a, h + a, of_dy + a, mean_a, rstd_a, weight, s1_a,
                                                 s2_a, gamma_sum, beta_sum, mask, all);
          form<Kept, has_gamma, sums, leaf_sums>(dy + b, x1 + b, x2 + b, h + b, of_dy + b, mean_b, rstd_b, weight, s1_b,
                                                 s2_b, gamma_sum, beta_sum, mask, all);
          if constexpr (leaf_sums) {
            store(dgamma + at, gamma_sum, all);
            store(dbeta + at, beta_sum, all);
          }
        }
        end_sum<sums>(sum1 + r, s1_a, all);
        end_sum<sums>(sum2 + r, s2_a, all);
        end_sum<sums>(sum1 + r + 1, s1_b, all);
        end_sum<sums>(sum2 + r + 1, s2_b, all);
      }
      for (uint16_t p = 0; p < single; ++p) {
        const uint32_t r = 2 * pairs;
        start_row(mean_a, rstd_a, s1_a, s2_a, mean + r, rstd + r, all);
        uint32_t left = columns;
        for (uint16_t j = 0; j < registers; ++j) {
          Reg::MaskReg mask = Reg::UpdateMask<float>(left);
          const uint32_t at = j * kLanes;
          const uint32_t a = r * width + at;
          if constexpr (has_gamma) load(weight, gamma + at, mask);
          if constexpr (leaf_sums) {
            load(gamma_sum, dgamma + at, all);
            load(beta_sum, dbeta + at, all);
          }
          form<Kept, has_gamma, sums, leaf_sums>(dy + a, x1 + a, x2 + a, h + a, of_dy + a, mean_a, rstd_a, weight, s1_a,
                                                 s2_a, gamma_sum, beta_sum, mask, all);
          if constexpr (leaf_sums) {
            store(dgamma + at, gamma_sum, all);
            store(dbeta + at, beta_sum, all);
          }
        }
        end_sum<sums>(sum1 + r, s1_a, all);
        end_sum<sums>(sum2 + r, s2_a, all);
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
