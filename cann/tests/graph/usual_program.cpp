// A graph-mode program as most of them are, warts and all: macros, names from arithmetic on a literal, every index 0, a
// null argv[1] printed, host placement, descriptions of the operator's own tensors, a session that is never looked at
// again. It must compile with plain g++ and run to 0.
#include <cstring>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "array_ops.h"
#include "ascend/op_graph/add_layer_norm_grad_proto.h"
#include "ge_api.h"
#include "ge_api_types.h"
#include "ge_error_codes.h"
#include "ge_ir_build.h"
#include "graph.h"
#include "tensor.h"
#include "types.h"

#define SUCCESS 0
#define FAILED -1

using namespace ge;
using std::map;
using std::string;
using std::vector;

#define ADD_INPUT(index, inputName, inputDtype, inputShape)                                                        \
  vector<int64_t> placeholder##index##_shape = inputShape;                                                         \
  auto placeholder##index = op::Data("placeholder" + index).set_attr_index(0);                                     \
  TensorDesc placeholder##index##_desc = TensorDesc(ge::Shape(placeholder##index##_shape), FORMAT_ND, inputDtype); \
  placeholder##index##_desc.SetPlacement(ge::kPlacementHost);                                                      \
  placeholder##index##_desc.SetFormat(FORMAT_ND);                                                                  \
  Tensor tensor_placeholder##index;                                                                                \
  ret = fill(placeholder##index##_shape, tensor_placeholder##index, placeholder##index##_desc, 1);                 \
  if (ret != SUCCESS) return FAILED;                                                                               \
  placeholder##index.update_input_desc_x(placeholder##index##_desc);                                               \
  input.push_back(tensor_placeholder##index);                                                                      \
  graph.AddOp(placeholder##index);                                                                                 \
  grad1.set_input_##inputName(placeholder##index);                                                                 \
  grad1.update_input_desc_##inputName(placeholder##index##_desc);                                                  \
  inputs.push_back(placeholder##index);

static uint32_t fill(vector<int64_t> shapes, Tensor& tensor, TensorDesc& desc, int value) {
  desc.SetRealDimCnt(shapes.size());
  size_t count = 1;
  for (uint32_t i = 0; i < shapes.size(); i++) count *= shapes[i];
  float* data = new (std::nothrow) float[count];
  for (size_t i = 0; i < count; ++i) *(data + i) = value;
  tensor = Tensor(desc, (uint8_t*)data, count * sizeof(float));
  delete[] data;
  return SUCCESS;
}

static int create(std::vector<ge::Tensor>& input, std::vector<Operator>& inputs, std::vector<Operator>& outputs,
                  Graph& graph) {
  uint32_t ret = SUCCESS;
  auto grad1 = op::AddLayerNormGrad("grad1");
  std::vector<int64_t> full = {3, 1, 4}, statistic = {3, 1, 1}, columns = {4};
  ADD_INPUT(1, dy, DT_FLOAT, full);
  ADD_INPUT(2, x1, DT_FLOAT, full);
  ADD_INPUT(3, x2, DT_FLOAT, full);
  ADD_INPUT(4, rstd, DT_FLOAT, statistic);
  ADD_INPUT(5, mean, DT_FLOAT, statistic);
  ADD_INPUT(6, gamma, DT_FLOAT, columns);
  TensorDesc dx_desc = TensorDesc(ge::Shape(full), FORMAT_ND, DT_FLOAT);
  grad1.update_output_desc_dx(dx_desc);
  outputs.push_back(grad1);
  return SUCCESS;
}

int main(int argc, char* argv[]) {
  const char* graph_name = "tc_ge_irrun_test";
  Graph graph(graph_name);
  std::vector<ge::Tensor> input;
  std::map<AscendString, AscendString> global_options = {{"ge.exec.deviceId", "0"}, {"ge.graphRunMode", "1"}};
  Status ret = ge::GEInitialize(global_options);
  if (ret != SUCCESS) return FAILED;
  std::vector<Operator> inputs{};
  std::vector<Operator> outputs{};
  (void)argc;
  std::cout << "argument: " << (argv[1] == nullptr ? "none" : argv[1]) << std::endl;
  if (create(input, inputs, outputs, graph) != SUCCESS) return FAILED;
  if (!inputs.empty() && !outputs.empty()) graph.SetInputs(inputs).SetOutputs(outputs);
  std::map<AscendString, AscendString> build_options = {};
  ge::Session* session = new Session(build_options);
  if (session == nullptr) return FAILED;
  std::map<AscendString, AscendString> graph_options = {};
  uint32_t graph_id = 0;
  ret = session->AddGraph(graph_id, graph, graph_options);
  if (ret != SUCCESS) {
    std::cout << ge::GEGetErrorMsgV2().GetString() << std::endl;
    return FAILED;
  }
  std::string file_path = "./dump";
  aclgrphDumpGraph(graph, file_path.c_str(), file_path.length());
  std::vector<ge::Tensor> output;
  ret = session->RunGraph(graph_id, input, output);
  if (ret != SUCCESS) return FAILED;
  for (size_t i = 0; i < output.size(); i++) {
    int64_t count = output[i].GetTensorDesc().GetShape().GetShapeSize();
    std::cout << "output " << i << " dtype: " << output[i].GetTensorDesc().GetDataType() << " elements: " << count
              << std::endl;
    float* data = (float*)output[i].GetData();
    for (int64_t j = 0; j < count; j++) std::cout << "output " << i << "[" << j << "]: " << data[j] << std::endl;
  }
  ge::AscendString error_msg = ge::GEGetErrorMsgV2();
  std::string error_str(error_msg.GetString());
  std::cout << "error: " << error_str << std::endl;
  ge::AscendString warning_msg = ge::GEGetWarningMsgV2();
  std::cout << "warning: " << warning_msg.GetString() << std::endl;
  ret = ge::GEFinalize();
  return ret == SUCCESS ? 0 : FAILED;
}
