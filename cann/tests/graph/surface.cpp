// Graph mode's numbers and exact types, from C++14, under strict warnings: all headers, as programs name them.
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "array_ops.h"
#include "ascend/op_graph/add_layer_norm_grad_proto.h"
#include "elewise_calculation_ops.h"
#include "ge/ge_api.h"
#include "ge/ge_api_error_codes.h"
#include "ge/ge_api_types.h"
#include "ge/ge_graph_compile_summary.h"
#include "ge/ge_ir_build.h"
#include "ge_api.h"
#include "ge_api_types.h"
#include "ge_error_codes.h"
#include "ge_ir_build.h"
#include "graph.h"
#include "graph/ascend_string.h"
#include "graph/graph.h"
#include "graph/operator.h"
#include "graph/operator_factory.h"
#include "graph/operator_reg.h"
#include "graph/tensor.h"
#include "graph/types.h"
#include "tensor.h"
#include "types.h"

// An operator package's own declaration, with the semicolon that is too many.
namespace ge {
REG_OP(Strange)
    .INPUT(x, TensorType({DT_FLOAT, DT_FLOAT16}))
    .OUTPUT(y, TensorType::ALL())
    .ATTR(times, Int, 3)
    .OP_END_FACTORY_REG(Strange);
}  // namespace ge

#define IS(name, number) static_assert(static_cast<int64_t>(name) == (number), #name)
#define SAME(...) static_assert(std::is_same<__VA_ARGS__>::value, #__VA_ARGS__)

IS(ge::GRAPH_SUCCESS, 0);
IS(ge::GRAPH_FAILED, 0xFFFFFFFFLL);
IS(ge::SUCCESS, 0);
IS(ge::FAILED, 0xFFFFFFFFLL);
IS(ge::DT_FLOAT, 0);
IS(ge::DT_FLOAT16, 1);
IS(ge::DT_INT8, 2);
IS(ge::DT_INT32, 3);
IS(ge::DT_UINT8, 4);
IS(ge::DT_INT64, 9);
IS(ge::DT_DOUBLE, 11);
IS(ge::DT_BOOL, 12);
IS(ge::DT_BF16, 27);
IS(ge::DT_FLOAT4_E1M2, 41);
IS(ge::FORMAT_NCHW, 0);
IS(ge::FORMAT_NHWC, 1);
IS(ge::FORMAT_ND, 2);
IS(ge::FORMAT_FRACTAL_NZ, 29);
IS(ge::FORMAT_NCL, 47);
IS(ge::kPlacementHost, 0);
IS(ge::kPlacementDevice, 1);
SAME(ge::Status, uint32_t);
SAME(ge::graphStatus, uint32_t);
SAME(decltype(ge::GEGetErrorMsgV2()), ge::AscendString);
SAME(decltype(ge::GEGetWarningMsgV2()), ge::AscendString);
SAME(decltype(ge::GEGetErrorMsg()), std::string);
SAME(decltype(ge::GEFinalize()), ge::Status);
SAME(decltype(&ge::aclgrphDumpGraph), ge::graphStatus (*)(const ge::Graph&, const char*, const size_t));
SAME(decltype(std::declval<ge::op::AddLayerNormGrad&>().set_input_dy(std::declval<ge::Operator&>())),
     ge::op::AddLayerNormGrad&);
SAME(decltype(std::declval<ge::op::AddLayerNormGrad&>().update_output_desc_dx(ge::TensorDesc())), ge::graphStatus);
SAME(decltype(std::declval<ge::op::Strange&>().set_attr_times(1)), ge::op::Strange&);
static_assert(std::is_base_of<ge::Operator, ge::op::AddLayerNormGrad>::value, "an operator");
static_assert(std::is_copy_constructible<ge::op::AddLayerNormGrad>::value, "a handle");
static_assert(!std::is_copy_constructible<ge::Session>::value, "one owner");
static_assert(std::is_constructible<ge::Session, std::map<ge::AscendString, ge::AscendString>>::value &&
                  std::is_constructible<ge::Session, std::map<std::string, std::string>>::value,
              "options of both kinds");

int main() {
  // Every overload that takes or gives std::string, of whichever ABI this program was compiled for.
  ge::op::Strange op(std::string("name"));
  ge::Operator found;
  ge::Graph graph(std::string("graph"));
  graph.SetOutputs(std::vector<std::pair<ge::Operator, std::string>>{{op, "y"}}).AddOp(op);
  ge::Tensor tensor;
  ge::TensorDesc desc;
  desc.SetName(std::string("desc"));
  const bool good = op.GetName() == "name" && op.GetOpType() == "Strange" && op.get_attr_times() == 3 &&
                    op.name_in_x() == "x" && desc.GetName() == "desc" && graph.GetName() == "graph" &&
                    graph.FindOpByName(std::string("name"), found) == ge::GRAPH_SUCCESS &&
                    tensor.SetData(std::string("data")) == ge::GRAPH_SUCCESS && tensor.GetSize() == 4 &&
                    ge::GEInitialize(std::map<std::string, std::string>{{"ge.exec.deviceId", "0"}}) == ge::SUCCESS &&
                    ge::Session(std::map<std::string, std::string>()).AddGraph(0, graph) == ge::FAILED &&
                    ge::GEGetErrorMsg().find("node \"name\" (Strange)") != std::string::npos &&
                    ge::OperatorFactory::IsExistOp("Strange") && ge::GEFinalize() == ge::SUCCESS;
  std::printf(good ? "graph mode is as declared\n" : "something is not as declared\n");
  return good ? 0 : 1;
}
