// AddLayerNormGrad in graph mode: a graph is built of operator IR and run in a session. Compiles unmodified against
// CANN and against alng's stand-in for it:
//
//   g++ -std=c++17 test_geir_add_layer_norm_grad.cpp -I $I -I $I/graph -I $I/ge -L $L -lgraph -lge_runner -lgraph_base
//     -lge_compiler          with I=include/alng-cann and L=lib/alng-cann
//
// Prints every tensor, one to a line: its name, its shape, its elements. With an argument, also writes the graph to the
// file of that name.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "../ascend/op_graph/add_layer_norm_grad_proto.h"
#include "array_ops.h"
#include "ge_api.h"
#include "ge_api_types.h"
#include "ge_error_codes.h"
#include "ge_ir_build.h"
#include "graph.h"
#include "tensor.h"
#include "types.h"

namespace {

using Shape = std::vector<int64_t>;

bool failed(ge::Status status, const char* call) {
  if (status == ge::SUCCESS) return false;
  std::printf("%s failed: %s\n", call, ge::GEGetErrorMsgV2().GetString());
  return true;
}

void print(const char* name, const Shape& shape, const float* values, size_t count) {
  std::printf("%s [", name);
  for (size_t d = 0; d < shape.size(); ++d) {
    std::printf("%s%lld", d > 0 ? ", " : "", static_cast<long long>(shape[d]));
  }
  std::printf("]");
  for (size_t i = 0; i < count; ++i) std::printf(" %.9g", static_cast<double>(values[i]));
  std::printf("\n");
}

// What goes into the graph: where, and with what.
struct Feeds {
  std::vector<ge::Operator> operators;
  std::vector<ge::Tensor> tensors;

  // A float tensor in host memory, and the op::Data that it comes in by.
  ge::op::Data add(const char* name, const Shape& shape, const std::vector<float>& values) {
    ge::TensorDesc desc(ge::Shape(shape), ge::FORMAT_ND, ge::DT_FLOAT);
    desc.SetPlacement(ge::kPlacementHost);
    desc.SetRealDimCnt(static_cast<int64_t>(shape.size()));
    tensors.emplace_back(desc, reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float));
    ge::op::Data data = ge::op::Data(name).set_attr_index(0);
    data.update_input_desc_x(desc);
    data.update_output_desc_y(desc);
    operators.push_back(data);
    print(name, shape, values.data(), values.size());
    return data;
  }
};

ge::Graph build(Feeds& feeds) {
  // 3 rows of 4 columns.
  const Shape full = {3, 1, 4}, statistic = {3, 1, 1}, columns = {4};
  const std::vector<float> dy = {0.5F, -1, 2, 0.25F, 1, 1, -1, -2, 0.125F, 3, -0.5F, 1};
  const std::vector<float> x1 = {1, 2, 3, 4, -1, 0.5F, 2, 8, 0.25F, -3, 5, 1};
  const std::vector<float> x2 = {0.5F, 0.5F, -1, 1, 2, -2, 1, -1, 3, 1, -4, 0.5F};
  const std::vector<float> gamma = {1, 0.5F, 2, -1};
  const std::vector<float> dsum = {0.1F, 0.2F, 0.3F, 0.4F, -0.1F, -0.2F, -0.3F, -0.4F, 1, 2, 3, 4};
  // What the forward pass hands over: mean of a row of x1 + x2, and 1 / its standard deviation.
  std::vector<float> mean, rstd;
  for (size_t row = 0; row < 3; ++row) {
    double sum = 0, squares = 0;
    for (size_t j = 4 * row; j < 4 * row + 4; ++j) sum += static_cast<double>(x1[j] + x2[j]);
    for (size_t j = 4 * row; j < 4 * row + 4; ++j) {
      const double centred = static_cast<double>(x1[j] + x2[j]) - sum / 4;
      squares += centred * centred;
    }
    mean.push_back(static_cast<float>(sum / 4));
    rstd.push_back(static_cast<float>(1 / std::sqrt(squares / 4 + 1e-5)));
  }

  auto grad = ge::op::AddLayerNormGrad("add_layer_norm_grad");
  grad.set_input_dy(feeds.add("dy", full, dy));
  grad.set_input_x1(feeds.add("x1", full, x1));
  grad.set_input_x2(feeds.add("x2", full, x2));
  grad.set_input_rstd(feeds.add("rstd", statistic, rstd));  // rstd comes before mean
  grad.set_input_mean(feeds.add("mean", statistic, mean));
  grad.set_input_gamma(feeds.add("gamma", columns, gamma));
  grad.set_input_dsum(feeds.add("dsum", full, dsum));  // may be left out

  ge::Graph graph("add_layer_norm_grad_graph");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{grad});
  return graph;
}

bool run(const ge::Graph& graph, const Feeds& feeds) {
  const std::map<ge::AscendString, ge::AscendString> options;
  const uint32_t graph_id = 0;
  ge::Session session(options);
  if (failed(session.AddGraph(graph_id, graph, options), "AddGraph")) return false;
  std::vector<ge::Tensor> outputs;
  if (failed(session.RunGraph(graph_id, feeds.tensors, outputs), "RunGraph")) return false;
  const char* const names[] = {"dx", "dgamma", "dbeta"};
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::vector<float> values(outputs[i].GetSize() / sizeof(float));
    std::memcpy(values.data(), outputs[i].GetData(), outputs[i].GetSize());
    print(names[i], outputs[i].GetTensorDesc().GetShape().GetDims(), values.data(), values.size());
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<ge::AscendString, ge::AscendString> options = {{"ge.exec.deviceId", "0"}, {"ge.graphRunMode", "1"}};
  if (failed(ge::GEInitialize(options), "GEInitialize")) return 1;
  Feeds feeds;
  const ge::Graph graph = build(feeds);
  bool good = run(graph, feeds);
  if (argc > 1) good = !failed(ge::aclgrphDumpGraph(graph, argv[1], std::strlen(argv[1])), "aclgrphDumpGraph") && good;
  if (failed(ge::GEFinalize(), "GEFinalize")) good = false;
  return good ? 0 : 1;
}
