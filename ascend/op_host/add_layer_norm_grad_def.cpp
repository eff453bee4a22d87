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
#define ALNG_BINARY(tensor, gamma) ge::tensor,
    const std::vector<ge::DataType> kTensor = {
#include "add_layer_norm_grad_interface.inc"
    };
#define ALNG_BINARY(tensor, gamma) ge::gamma,
    const std::vector<ge::DataType> kGamma = {
#include "add_layer_norm_grad_interface.inc"
    };
    const std::vector<ge::DataType> kFloat(kTensor.size(), ge::DT_FLOAT);
    const std::vector<ge::Format> formats(kTensor.size(), ge::FORMAT_ND);
#define ALNG_INPUT(name, presence, types) \
  Input(#name).ParamType(presence).DataType(types).Format(formats).AutoContiguous();
#define ALNG_OUTPUT(name, presence, types) Output(#name).ParamType(presence).DataType(types).Format(formats);
#include "add_layer_norm_grad_interface.inc"

    SetInferShape(ge::alng_infer_shape).SetInferDataType(ge::alng_infer_data_type);
    AICore().SetTiling(optiling::alng_tiling);
    // A name alone sets dynamicCompileStatic, dynamicFormat, dynamicRankSupport, dynamicShapeSupport and
    // precision_reduce: the tiling takes any shape and rank, and one binary serves all.
    AICore().AddConfig("ascend910b");
    AICore().AddConfig("ascend910_93");
    AICore().AddConfig("ascend950");
  }
};

OP_ADD(AddLayerNormGrad);

}  // namespace ops
