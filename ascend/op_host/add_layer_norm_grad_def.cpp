// The operator as CANN registers it.
#include "register/op_def_registry.h"

namespace ge {
graphStatus alng_infer_shape(gert::InferShapeContext* context);
graphStatus alng_infer_data_type(gert::InferDataTypeContext* context);
}  // namespace ge
namespace optiling {
ge::graphStatus alng_tiling(gert::TilingContext* context);
}  // namespace optiling

namespace ops {

// One column for each combination of dtypes. 310P is left out: it has no bfloat16, no vector core of its own beside the
// matrix unit, and a unified buffer that the tiling has no figures for.
class AddLayerNormGrad : public OpDef {
 public:
  explicit AddLayerNormGrad(const char* name) : OpDef(name) {
    tensor(Input("dy").ParamType(REQUIRED)).AutoContiguous();
    tensor(Input("x1").ParamType(REQUIRED)).AutoContiguous();
    tensor(Input("x2").ParamType(REQUIRED)).AutoContiguous();
    statistic(Input("rstd").ParamType(REQUIRED)).AutoContiguous();
    statistic(Input("mean").ParamType(REQUIRED)).AutoContiguous();
    Input("gamma")
        .ParamType(OPTIONAL)
        .DataType({ge::DT_FLOAT, ge::DT_FLOAT16, ge::DT_BF16, ge::DT_FLOAT, ge::DT_FLOAT})
        .Format({ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND})
        .AutoContiguous();
    tensor(Input("dsum").ParamType(OPTIONAL)).AutoContiguous();
    tensor(Output("dx").ParamType(REQUIRED));
    statistic(Output("dgamma").ParamType(REQUIRED));
    statistic(Output("dbeta").ParamType(REQUIRED));

    SetInferShape(ge::alng_infer_shape).SetInferDataType(ge::alng_infer_data_type);
    AICore().SetTiling(optiling::alng_tiling);
    AICore().AddConfig("ascend910b");
    AICore().AddConfig("ascend910_93");
    AICore().AddConfig("ascend950");
  }

 private:
  // T: that of dy.
  static OpParamDef& tensor(OpParamDef& parameter) {
    return parameter.DataType({ge::DT_FLOAT, ge::DT_FLOAT16, ge::DT_BF16, ge::DT_FLOAT16, ge::DT_BF16})
        .Format({ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND});
  }
  static OpParamDef& statistic(OpParamDef& parameter) {
    return parameter.DataType({ge::DT_FLOAT, ge::DT_FLOAT, ge::DT_FLOAT, ge::DT_FLOAT, ge::DT_FLOAT})
        .Format({ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND, ge::FORMAT_ND});
  }
};

OP_ADD(AddLayerNormGrad);

}  // namespace ops
