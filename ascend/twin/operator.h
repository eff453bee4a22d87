// AddLayerNormGrad on the twin: tiling as the package's host side does it, then the package's kernel on every core.
#ifndef ALNG_ASCEND_TWIN_OPERATOR_H
#define ALNG_ASCEND_TWIN_OPERATOR_H

#include <string>

#include "alng/tensor.hpp"
#include "machine/launch.h"
#include "op_host/tiling.h"

namespace alng::twin {

/// One problem as the package sees it. Tensors are dense.
struct OperatorProblem {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  DType dtype = DType::float32;
  DType gamma_dtype = DType::float32;
  bool has_gamma = true;
  bool has_dsum = true;
  bool wants_dx = true;
  bool wants_dgamma = true;
  bool wants_dbeta = true;
};

/// What the host side decided.
struct OperatorTiling {
  alng_npu::TilingResult result;
  /// Why it refused, in a sentence; empty where it did not.
  std::string refusal;
};

/// `cores` of the product's; 0: all.
OperatorTiling tile(const OperatorProblem& problem, const Product& product, int cores = 0);

/// Null where the problem has no such tensor.
struct OperatorArguments {
  const void *dy = nullptr, *x1 = nullptr, *x2 = nullptr, *rstd = nullptr, *mean = nullptr, *gamma = nullptr,
             *dsum = nullptr;
  void *dx = nullptr, *dgamma = nullptr, *dbeta = nullptr;
  /// `workspace_bytes` of the tiling.
  void* workspace = nullptr;
};

Report run(const OperatorProblem& problem, const OperatorArguments& arguments, const Product& product,
           const alng_npu::TilingResult& tiling, bool auto_sync, bool watch_scalar_access = false);

}  // namespace alng::twin

#endif
