// Loads, stores and conversions of registers of 64 float32 for architecture 3510, inside vector functions.
//
// Lanes from the last column on are off in every mask: they are loaded with their row, become zeros, and are neither
// summed nor stored.
#ifndef ALNG_ASCEND_OP_KERNEL_ARCH35_REGISTERS_H
#define ALNG_ASCEND_OP_KERNEL_ARCH35_REGISTERS_H

#include "../step.h"
#include "kernel_operator.h"

namespace alng_npu {

namespace Reg = AscendC::MicroAPI;
using Floats = AscendC::LocalTensor<float>;
using FloatReg = Reg::RegTensor<float>;

constexpr Reg::CastTrait kWiden = {Reg::RegLayout::ZERO, Reg::SatMode::UNKNOWN, Reg::MaskMergeMode::ZEROING,
                                   AscendC::RoundMode::CAST_NONE};
// To the nearest, ties to even; what is too large becomes infinite.
constexpr Reg::CastTrait kNarrow = {Reg::RegLayout::ZERO, Reg::SatMode::NO_SAT, Reg::MaskMergeMode::ZEROING,
                                    AscendC::RoundMode::CAST_RINT};

// Between vector functions that depend on each other.
__aicore__ inline void barrier() { AscendC::PipeBarrier<PIPE_V>(); }

template <typename T>
__simd_callee__ inline void load(FloatReg& to, __ubuf__ T* from, Reg::MaskReg& mask) {
  if constexpr (sizeof(T) == 4) {
    Reg::LoadAlign<float, Reg::LoadDist::DIST_NORM>(to, from);
  } else {
    Reg::RegTensor<T> packed;
    Reg::LoadAlign<T, Reg::LoadDist::DIST_UNPACK_B16>(packed, from);
    Reg::Cast<float, T, kWiden>(to, packed, mask);
  }
}

template <typename T>
__simd_callee__ inline void store(__ubuf__ T* to, FloatReg& from, Reg::MaskReg& mask) {
  if constexpr (sizeof(T) == 4) {
    Reg::StoreAlign<float, Reg::StoreDist::DIST_NORM>(to, from, mask);
  } else {
    Reg::RegTensor<T> packed;
    Reg::Cast<T, float, kNarrow>(packed, from, mask);
    Reg::StoreAlign<T, Reg::StoreDist::DIST_PACK_B32>(to, packed, mask);
  }
}

// One number in all lanes.
__simd_callee__ inline void load_number(FloatReg& to, __ubuf__ float* from) {
  Reg::LoadAlign<float, Reg::LoadDist::DIST_BRC_B32>(to, from);
}

__aicore__ inline uint16_t registers_of(uint32_t columns) {
  return static_cast<uint16_t>((columns + kLanes - 1) / kLanes);
}

}  // namespace alng_npu

#endif
