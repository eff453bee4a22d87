#include "cann/tests/graph/graph_run.h"

#include <gtest/gtest.h>

#include <cstring>

namespace alng::test {

Engine::Engine(const Options& options) {
  EXPECT_EQ(ge::GEInitialize(options), ge::SUCCESS) << recent_sentence();
  ge::GEGetErrorMsgV2();
  ge::GEGetWarningMsgV2();
}

Engine::~Engine() { EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS) << recent_sentence(); }

std::string recent_sentence() { return ge::GEGetErrorMsgV2().GetString(); }

void expect_sentence(std::uint32_t code, const std::string& sentence) {
  EXPECT_EQ(code, ge::FAILED);
  EXPECT_EQ(recent_sentence(), sentence);
}

void expect_refused(std::uint32_t code, const std::string& part) {
  EXPECT_EQ(code, ge::FAILED);
  const std::string sentence = recent_sentence();
  EXPECT_NE(sentence.find(part), std::string::npos) << part << " in: " << sentence;
}

ge::TensorDesc desc(ge::DataType dtype, const Dims& dims) {
  return ge::TensorDesc(ge::Shape(dims), ge::FORMAT_ND, dtype);
}

ge::Tensor tensor(ge::DataType dtype, const Dims& dims, const std::vector<std::byte>& bytes) {
  return {desc(dtype, dims), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

ge::Tensor tensor(const Dims& dims, const std::vector<float>& values) {
  return {desc(ge::DT_FLOAT, dims), reinterpret_cast<const std::uint8_t*>(values.data()),
          values.size() * sizeof(float)};
}

std::vector<float> floats(const ge::Tensor& tensor) {
  std::vector<float> values(tensor.GetSize() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), tensor.GetData(), values.size() * sizeof(float));
  return values;
}

std::vector<std::byte> bytes(const ge::Tensor& tensor) {
  const auto* const data = reinterpret_cast<const std::byte*>(tensor.GetData());
  return {data, data + tensor.GetSize()};
}

ge::DataType ge_dtype(DType dtype) {
  return dtype == DType::float32 ? ge::DT_FLOAT : dtype == DType::float16 ? ge::DT_FLOAT16 : ge::DT_BF16;
}

ge::op::Data Feeds::add(const std::string& name, const ge::Tensor& value) {
  return add(name, value, value.GetTensorDesc());
}

ge::op::Data Feeds::add(const std::string& name, const ge::Tensor& value, const ge::TensorDesc& described) {
  ge::op::Data data = ge::op::Data(name).set_attr_index(0);
  EXPECT_EQ(data.update_input_desc_x(described), ge::GRAPH_SUCCESS);
  operators.push_back(data);
  tensors.push_back(value);
  return data;
}

std::vector<float> numbers(std::int64_t count, int seed) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<float>((i * 7 + seed * 13) % 23 - 11) / 4 + static_cast<float>(i % 5) / 64);
  }
  return values;
}

SmallProblem::SmallProblem(int seed, std::int64_t rows_, std::int64_t columns_) : rows(rows_), columns(columns_) {
  for (const std::size_t i : {0, 1, 2, 6}) values[i] = numbers(rows * columns, seed * 10 + static_cast<int>(i));
  values[3] = numbers(rows, seed * 10 + 3);
  values[4] = numbers(rows, seed * 10 + 4);
  values[5] = numbers(columns, seed * 10 + 5);
  for (float& rstd : values[3]) rstd = 0.25F + rstd * rstd;
}

Dims SmallProblem::dims(std::size_t input) const {
  if (input == 3 || input == 4) return {rows, 1};
  if (input == 5) return {columns};
  return {rows, columns};
}

ge::op::AddLayerNormGrad SmallProblem::node(Feeds& feeds, const std::string& name, bool with_dsum) const {
  ge::op::AddLayerNormGrad node(name);
  const char* const names[] = {"dy", "x1", "x2", "rstd", "mean", "gamma", "dsum"};
  for (std::size_t i = 0; i < (with_dsum ? 7U : 6U); ++i) {
    node.SetInput(names[i], feeds.add(name + "." + names[i], tensor(dims(i), values[i])));
  }
  return node;
}

std::array<std::vector<float>, 3> SmallProblem::expected(const std::vector<float>* dsum, bool with_dsum) const {
  GradDescription description = GradDescription::dense(DType::float32, rows, columns);
  if (!with_dsum) description.dsum.reset();
  const auto all = static_cast<std::size_t>(rows * columns), one = static_cast<std::size_t>(columns);
  std::array<std::vector<float>, 3> out = {std::vector<float>(all), std::vector<float>(one), std::vector<float>(one)};
  GradArguments a;
  a.dy = values[0].data();
  a.x1 = values[1].data();
  a.x2 = values[2].data();
  a.rstd = values[3].data();
  a.mean = values[4].data();
  a.gamma = values[5].data();
  if (with_dsum) a.dsum = dsum != nullptr ? dsum->data() : values[6].data();
  a.dx = out[0].data();
  a.dgamma = out[1].data();
  a.dbeta = out[2].data();
  const Status status = add_layer_norm_grad(description, a);
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

ge::Graph graph_of(const Feeds& feeds, const std::vector<ge::Operator>& outputs) {
  ge::Graph graph("graph");
  graph.SetInputs(feeds.operators).SetOutputs(outputs);
  return graph;
}

std::vector<ge::Tensor> run_graph(const ge::Graph& graph, const Feeds& feeds) {
  ge::Session session(Options{});
  EXPECT_EQ(session.AddGraph(1, graph), ge::SUCCESS) << recent_sentence();
  std::vector<ge::Tensor> outputs;
  EXPECT_EQ(session.RunGraph(1, feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
  return outputs;
}

}  // namespace alng::test
