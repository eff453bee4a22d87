// Tiling as one pure function, shared by the package and by the tests. C++11, no CANN.
#ifndef ALNG_ASCEND_OP_HOST_TILING_H
#define ALNG_ASCEND_OP_HOST_TILING_H

#include <cstddef>
#include <cstdint>

#include "../op_kernel/add_layer_norm_grad_tiling.h"

namespace alng_npu {

enum class Dtype { kFloat32, kFloat16, kBfloat16 };

struct TilingProblem {
  int64_t rows;     // M, 0 allowed: dgamma and dbeta are zeros then
  int64_t columns;  // D, 1 to 2^20
  Dtype dtype;
  Dtype gamma_dtype;  // dtype or kFloat32; not looked at without gamma
  bool has_gamma;
  bool has_dsum;
  bool wants_dx;
  bool wants_dgamma;
  bool wants_dbeta;
};

struct Platform {
  uint32_t architecture;  // 2201 (Atlas A2, A3) or 3510 (Ascend 950)
  uint32_t cores;         // vector cores
  uint32_t buffer_bytes;  // of the unified buffer, as PlatformAscendC::GetCoreMemSize tells
};

struct TilingResult {
  Tiling tiling;
  uint64_t tiling_key;
  uint64_t workspace_bytes;       // of the kernel itself, without what CANN keeps at its start
  uint64_t unified_buffer_bytes;  // the larger of both passes
  uint32_t blocks;
};

// Decides, or returns false with one sentence in `refusal`, which is cut off at `refusal_size`.
bool make_tiling(const TilingProblem& problem, const Platform& platform, TilingResult* result, char* refusal,
                 size_t refusal_size);

}  // namespace alng_npu

#endif
