#include "operator.h"

#include <array>
#include <cstring>

namespace {

using Address = std::uint8_t*;
using Entry = void(Address, Address, Address, Address, Address, Address, Address, Address, Address, Address, Address,
                   Address);

}  // namespace

extern "C" {
Entry add_layer_norm_grad_2201_float_float;
Entry add_layer_norm_grad_2201_half_half;
Entry add_layer_norm_grad_2201_half_float;
Entry add_layer_norm_grad_2201_bfloat16_t_bfloat16_t;
Entry add_layer_norm_grad_2201_bfloat16_t_float;
Entry add_layer_norm_grad_3510_float_float;
Entry add_layer_norm_grad_3510_half_half;
Entry add_layer_norm_grad_3510_half_float;
Entry add_layer_norm_grad_3510_bfloat16_t_bfloat16_t;
Entry add_layer_norm_grad_3510_bfloat16_t_float;
}

namespace alng::twin {
namespace {

Entry* entry_of(int architecture, DType dtype, DType gamma) {
  const bool wide_gamma = gamma == DType::float32;
  const bool first = architecture == 2201;
  switch (dtype) {
    case DType::float32:
      return first ? add_layer_norm_grad_2201_float_float : add_layer_norm_grad_3510_float_float;
    case DType::float16:
      if (wide_gamma) return first ? add_layer_norm_grad_2201_half_float : add_layer_norm_grad_3510_half_float;
      return first ? add_layer_norm_grad_2201_half_half : add_layer_norm_grad_3510_half_half;
    case DType::bfloat16:
      break;
  }
  if (wide_gamma) return first ? add_layer_norm_grad_2201_bfloat16_t_float : add_layer_norm_grad_3510_bfloat16_t_float;
  return first ? add_layer_norm_grad_2201_bfloat16_t_bfloat16_t : add_layer_norm_grad_3510_bfloat16_t_bfloat16_t;
}

alng_npu::Dtype host_dtype(DType dtype) {
  return dtype == DType::float32   ? alng_npu::Dtype::kFloat32
         : dtype == DType::float16 ? alng_npu::Dtype::kFloat16
                                   : alng_npu::Dtype::kBfloat16;
}

Address address(const void* pointer) { return static_cast<Address>(const_cast<void*>(pointer)); }

}  // namespace

OperatorTiling tile(const OperatorProblem& problem, const Product& product, int cores) {
  const alng_npu::TilingProblem what{
      problem.rows,       problem.columns,  host_dtype(problem.dtype), host_dtype(problem.gamma_dtype),
      problem.has_gamma,  problem.has_dsum, problem.wants_dx,          problem.wants_dgamma,
      problem.wants_dbeta};
  const alng_npu::Platform platform{static_cast<std::uint32_t>(product.architecture),
                                    static_cast<std::uint32_t>(cores > 0 ? cores : product.cores), product.ub_usable};
  OperatorTiling tiling{};
  std::array<char, 512> refusal{};
  if (!alng_npu::make_tiling(what, platform, &tiling.result, refusal.data(), refusal.size())) {
    tiling.refusal = refusal.data();
  }
  return tiling;
}

Report run(const OperatorProblem& problem, const OperatorArguments& a, const Product& product,
           const alng_npu::TilingResult& tiling, bool auto_sync, bool watch_scalar_access) {
  const auto rows = static_cast<std::size_t>(problem.rows);
  const auto columns = static_cast<std::size_t>(problem.columns);
  const std::size_t tensor = rows * columns * dtype_size(problem.dtype);
  GlobalMemory memory;
  const auto add = [&memory](const char* name, const void* pointer, std::size_t size, Access access) {
    if (pointer != nullptr) memory.add(name, pointer, size, access);
  };
  add("dy", a.dy, tensor, Access::input);
  add("x1", a.x1, tensor, Access::input);
  add("x2", a.x2, tensor, Access::input);
  add("rstd", a.rstd, rows * sizeof(float), Access::input);
  add("mean", a.mean, rows * sizeof(float), Access::input);
  add("gamma", a.gamma, columns * dtype_size(problem.gamma_dtype), Access::input);
  add("dsum", a.dsum, tensor, Access::input);
  add("dx", a.dx, tensor, Access::output);
  add("dgamma", a.dgamma, columns * sizeof(float), Access::output);
  add("dbeta", a.dbeta, columns * sizeof(float), Access::output);
  add("workspace", a.workspace, tiling.workspace_bytes, Access::scratch);

  LaunchOptions options;
  options.product = &product;
  options.blocks = static_cast<int>(tiling.blocks);
  options.auto_sync = auto_sync;
  options.watch_scalar_access = watch_scalar_access;
  options.tiling_key = static_cast<std::int64_t>(tiling.tiling_key);
  alng_npu::Tiling data = tiling.tiling;
  Entry* entry = entry_of(product.architecture, problem.dtype, problem.gamma_dtype);
  return launch(options, memory, [&] {
    entry(address(a.dy), address(a.x1), address(a.x2), address(a.rstd), address(a.mean), address(a.gamma),
          address(a.dsum), address(a.dx), address(a.dgamma), address(a.dbeta), address(a.workspace), address(&data));
  });
}

}  // namespace alng::twin
