// The kernel's entry. CANN compiles this file once for every combination of dtypes.
#include "add_layer_norm_grad_tiling.h"
#include "column_pass.h"
#include "kernel_operator.h"
#include "row_pass.h"

// An absent gamma may have no dtype.
#ifndef DTYPE_GAMMA
#define DTYPE_GAMMA DTYPE_DY
#endif

namespace alng_npu {

template <typename T, typename G, uint32_t mode>
__aicore__ inline void run(const Tiling& tiling, const Addresses& at) {
  AscendC::TPipe pipe;
  {
    RowPass<T, G, mode> rows;
    rows.run(pipe, tiling, at);
  }
  if (!tiling.wants_dgamma && !tiling.wants_dbeta) return;
  // Slots are in global memory before any core reads them.
  AscendC::PipeBarrier<PIPE_ALL>();
  AscendC::SyncAll<true>();
  pipe.Reset();
  ColumnPass columns;
  columns.run(pipe, tiling, at);
}

}  // namespace alng_npu

extern "C" __global__ __aicore__ void add_layer_norm_grad(GM_ADDR dy, GM_ADDR x1, GM_ADDR x2, GM_ADDR rstd,
                                                          GM_ADDR mean, GM_ADDR gamma, GM_ADDR dsum, GM_ADDR dx,
                                                          GM_ADDR dgamma, GM_ADDR dbeta, GM_ADDR workspace,
                                                          GM_ADDR tiling) {
  KERNEL_TASK_TYPE_DEFAULT(KERNEL_TYPE_AIV_ONLY);
  REGISTER_TILING_DEFAULT(alng_npu::Tiling);
  GET_TILING_DATA_WITH_STRUCT(alng_npu::Tiling, data, tiling);
  const alng_npu::Addresses at{
      dy, x1, x2, rstd, mean, gamma, dsum, dx, dgamma, dbeta, AscendC::GetUserWorkspace(workspace)};
  if (TILING_KEY_IS(1)) {
    alng_npu::run<DTYPE_DY, DTYPE_GAMMA, alng_npu::kWholeRows>(data, at);
  } else if (TILING_KEY_IS(2)) {
    alng_npu::run<DTYPE_DY, DTYPE_GAMMA, alng_npu::kColumnChunks>(data, at);
  }
}
