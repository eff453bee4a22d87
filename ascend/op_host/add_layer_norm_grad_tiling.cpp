// CANN's tiling entry: reads its context, asks make_tiling, writes its context.
#include <cstdio>

#include "context.h"
#include "register/op_def_registry.h"
#include "tiling.h"
#include "tiling/platform/platform_ascendc.h"

namespace optiling {
namespace {

ge::graphStatus refuse(const char* sentence) {
  std::fprintf(stderr, "AddLayerNormGrad: %s\n", sentence);
  return ge::GRAPH_FAILED;
}

bool dtype_of(ge::DataType type, alng_npu::Dtype* dtype) {
  if (type == ge::DT_FLOAT) {
    *dtype = alng_npu::Dtype::kFloat32;
  } else if (type == ge::DT_FLOAT16) {
    *dtype = alng_npu::Dtype::kFloat16;
  } else if (type == ge::DT_BF16) {
    *dtype = alng_npu::Dtype::kBfloat16;
  } else {
    return false;
  }
  return true;
}

}  // namespace

ge::graphStatus alng_tiling(gert::TilingContext* context) {
  alng_npu::ShapeOf of[alng_npu::kInputDsum + 1];
  bool present[alng_npu::kInputDsum + 1];
  for (size_t i = 0; i <= alng_npu::kInputDsum; ++i) {
    const bool optional = i == alng_npu::kInputGamma || i == alng_npu::kInputDsum;
    const gert::StorageShape* shape = optional ? context->GetOptionalInputShape(i) : context->GetInputShape(i);
    present[i] = shape != nullptr;
    if (present[i]) {
      of[i] = alng_npu::shape_of(shape->GetStorageShape());
    } else if (!optional) {
      return refuse("dy, x1, x2, rstd or mean has no shape");
    }
  }
  const bool has_gamma = present[alng_npu::kInputGamma];
  const bool has_dsum = present[alng_npu::kInputDsum];
  const alng_npu::Shapes shapes = {&of[alng_npu::kInputDy],
                                   &of[alng_npu::kInputX1],
                                   &of[alng_npu::kInputX2],
                                   &of[alng_npu::kInputRstd],
                                   &of[alng_npu::kInputMean],
                                   has_gamma ? &of[alng_npu::kInputGamma] : nullptr,
                                   has_dsum ? &of[alng_npu::kInputDsum] : nullptr};
  char refusal[512];
  alng_npu::RowsAndColumns found;
  if (!alng_npu::rows_and_columns(shapes, &found, refusal, sizeof refusal)) return refuse(refusal);

  alng_npu::TilingProblem problem = {
      found.rows, found.columns, alng_npu::Dtype::kFloat32, alng_npu::Dtype::kFloat32, has_gamma, has_dsum, true,
      true,       true};
  const gert::CompileTimeTensorDesc* dy = context->GetInputDesc(alng_npu::kInputDy);
  if (dy == nullptr || !dtype_of(dy->GetDataType(), &problem.dtype)) {
    return refuse("dy's dtype has to be float32, float16 or bfloat16");
  }
  if (has_gamma) {
    const gert::CompileTimeTensorDesc* gamma = context->GetOptionalInputDesc(alng_npu::kInputGamma);
    if (gamma == nullptr || !dtype_of(gamma->GetDataType(), &problem.gamma_dtype)) {
      return refuse("gamma's dtype has to be float32 or that of dy");
    }
  }

  if (context->GetPlatformInfo() == nullptr) return refuse("CANN does not say on which platform the operator runs");
  platform_ascendc::PlatformAscendC ascend(context->GetPlatformInfo());
  uint64_t buffer_bytes = 0;
  ascend.GetCoreMemSize(platform_ascendc::CoreMemType::UB, buffer_bytes);
  // Atlas A2 and A3 are both ASCEND910B here; the only other product of the definition is the Ascend 950.
  const bool is_910b = ascend.GetSocVersion() == platform_ascendc::SocVersion::ASCEND910B;
  const alng_npu::Platform platform = {is_910b ? 2201u : 3510u, static_cast<uint32_t>(ascend.GetCoreNumAiv()),
                                       static_cast<uint32_t>(buffer_bytes)};
  alng_npu::TilingResult result;
  if (!alng_npu::make_tiling(problem, platform, &result, refusal, sizeof refusal)) return refuse(refusal);

  alng_npu::Tiling* tiling = context->GetTilingData<alng_npu::Tiling>();
  size_t* workspace = context->GetWorkspaceSizes(1);
  if (tiling == nullptr || workspace == nullptr)
    return refuse("CANN gave no room for the tiling or the workspace size");
  *tiling = result.tiling;
  // CANN keeps the workspace's beginning for itself.
  workspace[0] = static_cast<size_t>(ascend.GetLibApiWorkSpaceSize()) + static_cast<size_t>(result.workspace_bytes);
  context->SetTilingKey(result.tiling_key);
  context->SetBlockDim(result.blocks);
  // All cores at once: they wait for each other between the passes.
  context->SetScheduleMode(1);
  return ge::GRAPH_SUCCESS;
}

}  // namespace optiling
