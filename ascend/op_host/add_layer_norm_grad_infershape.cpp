// Shapes and dtypes of the outputs: dx like dy, dgamma and dbeta like gamma and in float32.
#include <cstdio>

#include "context.h"
#include "register/op_def_registry.h"

namespace ge {

graphStatus alng_infer_shape(gert::InferShapeContext* context) {
  const gert::Shape* dy = context->GetInputShape(alng_npu::kInputDy);
  const gert::Shape* rstd = context->GetInputShape(alng_npu::kInputRstd);
  const gert::Shape* gamma = context->GetOptionalInputShape(alng_npu::kInputGamma);
  gert::Shape* dx = context->GetOutputShape(alng_npu::kOutputDx);
  gert::Shape* dgamma = context->GetOutputShape(alng_npu::kOutputDgamma);
  gert::Shape* dbeta = context->GetOutputShape(alng_npu::kOutputDbeta);
  if (dy == nullptr || rstd == nullptr || dx == nullptr || dgamma == nullptr || dbeta == nullptr) {
    std::fprintf(stderr, "AddLayerNormGrad: dy, rstd or an output has no shape\n");
    return GRAPH_FAILED;
  }
  *dx = *dy;
  if (gamma != nullptr) {
    *dgamma = *gamma;
    *dbeta = *gamma;
    return GRAPH_SUCCESS;
  }
  // Without gamma rstd tells which dimensions are normalised.
  const alng_npu::ShapeOf of_dy = alng_npu::shape_of(*dy);
  const alng_npu::ShapeOf of_rstd = alng_npu::shape_of(*rstd);
  const alng_npu::Shapes shapes = {&of_dy, &of_dy, &of_dy, &of_rstd, &of_rstd, nullptr, nullptr};
  alng_npu::RowsAndColumns found;
  char refusal[512];
  if (!alng_npu::rows_and_columns(shapes, &found, refusal, sizeof refusal)) {
    std::fprintf(stderr, "AddLayerNormGrad: %s\n", refusal);
    return GRAPH_FAILED;
  }
  dgamma->SetDimNum(found.normalized_dims);
  for (size_t i = 0; i < found.normalized_dims; ++i) {
    dgamma->SetDim(i, of_dy.dims[of_dy.rank - found.normalized_dims + i]);
  }
  *dbeta = *dgamma;
  return GRAPH_SUCCESS;
}

graphStatus alng_infer_data_type(gert::InferDataTypeContext* context) {
  context->SetOutputDataType(alng_npu::kOutputDx, context->GetInputDataType(alng_npu::kInputDy));
  context->SetOutputDataType(alng_npu::kOutputDgamma, DT_FLOAT);
  context->SetOutputDataType(alng_npu::kOutputDbeta, DT_FLOAT);
  return GRAPH_SUCCESS;
}

}  // namespace ge
