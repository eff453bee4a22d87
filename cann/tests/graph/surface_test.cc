// The classes that programs build graphs of, by themselves; and what the published examples do to them.
#include <gtest/gtest.h>

#include <unordered_set>

#include "cann/tests/graph/graph_run.h"
#include "ge_ir_build.h"

// Declared by a program, as an operator package's header does it: with every word, and a semicolon too many.
namespace ge {
// clang-format off
REG_OP(EveryWord)
    .INPUT(x, TensorType({DT_FLOAT, DT_FLOAT16}))
    .OPTIONAL_INPUT(bias, TensorType({DT_FLOAT}))
    .OUTPUT(y, TensorType({DT_FLOAT}))
    .OUTPUT(z, TensorType({DT_FLOAT}))
    .REQUIRED_ATTR(axis, Int)
    .ATTR(epsilon, Float, 0.5)
    .ATTR(flag, Bool, true)
    .ATTR(mode, String, "fast")
    .ATTR(dtype, Type, DT_BF16)
    .ATTR(shape, ListInt, {1, 2, 3})
    .ATTR(value, Tensor, Tensor())
    .OP_END_FACTORY_REG(EveryWord);
// clang-format on
}  // namespace ge

namespace alng::test {
namespace {

TEST(GraphStrings, CompareAndCopy) {
  const ge::AscendString none, null(nullptr), empty(""), a("a"), b("b"), a_again("a"), with_zero("a\0b", 3);
  EXPECT_STREQ(none.GetString(), "");
  EXPECT_STREQ(null.GetString(), "");
  EXPECT_EQ(none, null);
  EXPECT_EQ(none, empty);
  EXPECT_EQ(a, a_again);
  EXPECT_NE(a, b);
  EXPECT_LT(a, b);
  EXPECT_GT(b, a);
  EXPECT_LE(a, a_again);
  EXPECT_GE(a, none);
  EXPECT_LT(ge::AscendString("a"), ge::AscendString("\xC3"));
  EXPECT_EQ(with_zero.GetLength(), 3U);
  EXPECT_LT(a, with_zero);
  const std::unordered_set<ge::AscendString> set = {a, a_again, b};
  EXPECT_EQ(set.size(), 2U);
  ge::AscendString copy = a;
  EXPECT_EQ(copy.GetString(), a.GetString());
  copy = b;
  EXPECT_STREQ(a.GetString(), "a");
}

TEST(GraphShapes, CountElements) {
  EXPECT_EQ(ge::Shape().GetShapeSize(), 0) << "rank 0, as CANN has it";
  EXPECT_EQ(ge::Shape({2, 3}).GetShapeSize(), 6);
  EXPECT_EQ(ge::Shape({2, -1}).GetShapeSize(), -1);
  EXPECT_EQ(ge::Shape({-2}).GetShapeSize(), -1);
  EXPECT_EQ(ge::Shape({0, 5}).GetShapeSize(), 0);
  EXPECT_EQ(ge::Shape({1LL << 40, 1LL << 40}).GetShapeSize(), -1);
  EXPECT_EQ(ge::Shape({1LL << 40, 1LL << 40, 0}).GetShapeSize(), 0);
  ge::Shape shape({2, 3});
  EXPECT_EQ(shape.GetDimNum(), 2U);
  EXPECT_EQ(ge::Shape({-2}).GetDimNum(), 0U);
  EXPECT_EQ(shape.GetDim(1), 3);
  EXPECT_EQ(shape.GetDim(2), 0);
  EXPECT_EQ(shape.SetDim(1, 7), ge::GRAPH_SUCCESS);
  EXPECT_EQ(shape.SetDim(2, 7), ge::GRAPH_FAILED);
  EXPECT_EQ(shape.GetDims(), (Dims{2, 7}));
}

TEST(GraphDescriptions, KeepWhatTheyAreTold) {
  ge::TensorDesc d;
  EXPECT_EQ(d.GetFormat(), ge::FORMAT_ND);
  EXPECT_EQ(d.GetDataType(), ge::DT_FLOAT);
  EXPECT_EQ(d.GetShape().GetDimNum(), 0U);
  d = ge::TensorDesc(ge::Shape({2}), ge::FORMAT_NCHW, ge::DT_BF16);
  EXPECT_EQ(d.GetOriginShape().GetDims(), (Dims{2}));
  EXPECT_EQ(d.GetOriginFormat(), ge::FORMAT_NCHW);
  d.SetShape(ge::Shape({3}));
  d.SetOriginShape(ge::Shape({4}));
  d.SetFormat(ge::FORMAT_ND);
  d.SetOriginFormat(ge::FORMAT_NHWC);
  d.SetDataType(ge::DT_FLOAT16);
  d.SetPlacement(ge::kPlacementDevice);
  d.SetRealDimCnt(1);
  d.SetSize(6);
  d.SetName("name");
  EXPECT_EQ(d.GetShape().GetDims(), (Dims{3}));
  EXPECT_EQ(d.GetOriginShape().GetDims(), (Dims{4}));
  EXPECT_EQ(d.GetFormat(), ge::FORMAT_ND);
  EXPECT_EQ(d.GetOriginFormat(), ge::FORMAT_NHWC);
  EXPECT_EQ(d.GetDataType(), ge::DT_FLOAT16);
  EXPECT_EQ(d.GetPlacement(), ge::kPlacementDevice);
  EXPECT_EQ(d.GetRealDimCnt(), 1);
  EXPECT_EQ(d.GetSize(), 6);
  EXPECT_EQ(d.GetName(), "name");
  ge::AscendString name;
  EXPECT_EQ(d.GetName(name), ge::GRAPH_SUCCESS);
  EXPECT_STREQ(name.GetString(), "name");
  d.Update(ge::Shape({5}), ge::FORMAT_NCHW);
  EXPECT_EQ(d.GetDataType(), ge::DT_FLOAT);
}

TEST(GraphTensors, CopyTheirData) {
  std::vector<std::uint8_t> source = {1, 2, 3, 4};
  ge::Tensor a(desc(ge::DT_FLOAT, {1}), source.data(), 4), b(desc(ge::DT_FLOAT, {1}), source);
  source[0] = 9;
  EXPECT_EQ(a.GetData()[0], 1);
  EXPECT_EQ(b.GetData()[0], 1);
  EXPECT_EQ(a.IsValid(), ge::GRAPH_SUCCESS);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.GetData()) % 64, 0U);
  // Copies share memory until one is given other data; a clone shares none.
  ge::Tensor shared = a;
  const ge::Tensor clone = a.Clone();
  a.GetData()[1] = 8;
  EXPECT_EQ(shared.GetData()[1], 8);
  EXPECT_EQ(clone.GetData()[1], 2);
  EXPECT_EQ(shared.SetData(std::string("abcd")), ge::GRAPH_SUCCESS);
  EXPECT_EQ(a.GetData()[0], 1);
  EXPECT_EQ(shared.GetData()[0], 'a');
  EXPECT_EQ(shared.SetTensorDesc(desc(ge::DT_FLOAT16, {2})), ge::GRAPH_SUCCESS);
  EXPECT_EQ(a.GetTensorDesc().GetDataType(), ge::DT_FLOAT);
  // Null with a size is refused and changes nothing.
  expect_sentence(shared.SetData(nullptr, 4), "Tensor::SetData: data is null but must be 4 bytes of memory");
  expect_sentence(shared.SetData(nullptr, 4, [](std::uint8_t*) { FAIL(); }),
                  "Tensor::SetData: data is null but must be 4 bytes of memory");
  EXPECT_EQ(shared.GetSize(), 4U);
  EXPECT_EQ(shared.SetData(nullptr, 0), ge::GRAPH_SUCCESS);
  EXPECT_EQ(shared.GetSize(), 0U);
  expect_sentence(shared.IsValid(), "Tensor::IsValid: holds 0 bytes but float16[2] takes 4");
  EXPECT_EQ(ge::Tensor().GetData(), nullptr);
}

TEST(GraphOperators, HaveWhatTheirTypeDeclares) {
  ge::op::EveryWord op("word");
  EXPECT_EQ(op.GetName(), "word");
  EXPECT_EQ(op.GetOpType(), "EveryWord");
  EXPECT_EQ(op.GetInputsSize(), 2U);
  EXPECT_EQ(op.GetOutputsSize(), 2U);
  EXPECT_EQ(op.name_in_x(), "x");
  EXPECT_EQ(op.name_out_z(), "z");
  EXPECT_EQ(op.name_attr_axis(), "axis");
  EXPECT_EQ(op.get_attr_epsilon(), 0.5F);
  EXPECT_TRUE(op.get_attr_flag());
  EXPECT_EQ(op.get_attr_mode(), "fast");
  EXPECT_EQ(op.get_attr_dtype(), ge::DT_BF16);
  EXPECT_EQ(op.get_attr_shape(), (Dims{1, 2, 3}));
  EXPECT_EQ(op.get_attr_value().GetSize(), 0U);
  EXPECT_EQ(op.get_attr_axis(), 0);
  std::int64_t number = 17;
  EXPECT_EQ(op.GetAttr("axis", number), ge::GRAPH_FAILED) << "required, and not set";
  EXPECT_EQ(number, 17);
  op.set_attr_axis(-1).set_attr_epsilon(0.25F).set_attr_flag(false).set_attr_mode("slow").set_attr_shape({4});
  EXPECT_EQ(op.GetAttr("axis", number), ge::GRAPH_SUCCESS);
  EXPECT_EQ(number, -1);
  EXPECT_EQ(op.get_attr_mode(), "slow");
  EXPECT_EQ(op.get_attr_shape(), (Dims{4}));
  bool flag = true;
  EXPECT_EQ(op.GetAttr("flag", flag), ge::GRAPH_SUCCESS);
  EXPECT_FALSE(flag);
  float wrong = 1;
  EXPECT_EQ(op.GetAttr("flag", wrong), ge::GRAPH_FAILED);
  EXPECT_EQ(op.GetAttr("nothing", wrong), ge::GRAPH_FAILED);

  EXPECT_EQ(op.update_input_desc_x(desc(ge::DT_BF16, {3})), ge::GRAPH_SUCCESS);
  EXPECT_EQ(op.update_output_desc_y(desc(ge::DT_BF16, {4})), ge::GRAPH_SUCCESS);
  EXPECT_EQ(op.get_input_desc_x().GetShape().GetDims(), (Dims{3}));
  EXPECT_EQ(op.GetInputDesc(0).GetShape().GetDims(), (Dims{3}));
  EXPECT_EQ(op.get_output_desc_y().GetShape().GetDims(), (Dims{4}));
  EXPECT_EQ(op.GetOutputDesc(0).GetShape().GetDims(), (Dims{4}));
  EXPECT_EQ(op.GetOutputDesc(9).GetShape().GetDimNum(), 0U);
  expect_sentence(op.UpdateInputDesc("y", {}),
                  "Operator::UpdateInputDesc: node \"word\" (EveryWord) has no input \"y\"");
  expect_sentence(op.UpdateOutputDesc("x", {}),
                  "Operator::UpdateOutputDesc: node \"word\" (EveryWord) has no output \"x\"");
}

TEST(GraphOperators, EmptyOnesDoNothing) {
  ge::Operator empty;
  EXPECT_TRUE(empty.IsEmpty());
  EXPECT_EQ(empty.GetName(), "");
  EXPECT_EQ(empty.GetOpType(), "");
  ge::AscendString name;
  EXPECT_EQ(empty.GetName(name), ge::GRAPH_FAILED);
  EXPECT_EQ(empty.GetOpType(name), ge::GRAPH_FAILED);
  EXPECT_EQ(empty.GetInputsSize(), 0U);
  EXPECT_EQ(empty.GetOutputsSize(), 0U);
  empty.SetInput("x", empty).SetInput("x", empty, "y").SetInput("x", empty, 3U).SetAttr("a", 1).SetAttr("a", "b");
  std::int64_t value = 0;
  EXPECT_EQ(empty.GetAttr("a", value), ge::GRAPH_FAILED);
  expect_sentence(empty.UpdateInputDesc("x", {}), "Operator::UpdateInputDesc: the operator is empty");
  EXPECT_EQ(empty.GetInputDescByName("x").GetShape().GetDimNum(), 0U);
}

TEST(GraphOperators, AreMadeByTheNameOfTheirType) {
  EXPECT_TRUE(ge::OperatorFactory::IsExistOp("AddLayerNormGrad"));
  EXPECT_FALSE(ge::OperatorFactory::IsExistOp("Nonsense"));
  EXPECT_FALSE(ge::OperatorFactory::IsExistOp(nullptr));
  std::vector<ge::AscendString> types;
  EXPECT_EQ(ge::OperatorFactory::GetOpsTypeList(types), ge::GRAPH_SUCCESS);
  for (const char* type : {"Add", "AddLayerNormGrad", "Cast", "Const", "Data", "EveryWord"}) {
    EXPECT_EQ(std::count(types.begin(), types.end(), ge::AscendString(type)), 1) << type;
  }
  EXPECT_TRUE(ge::OperatorFactory::CreateOperator("name", "Nonsense").IsEmpty());
  EXPECT_TRUE(ge::OperatorFactory::CreateOperator("name", nullptr).IsEmpty());
  EXPECT_EQ(ge::OperatorFactory::CreateOperator(nullptr, "Data").GetName(), "");
  ge::Operator op = ge::OperatorFactory::CreateOperator(std::string("made"), std::string("EveryWord"));
  EXPECT_EQ(op.GetName(), "made");
  EXPECT_EQ(op.GetInputsSize(), 2U);
  {
    const ge::OperatorCreatorRegister creator(
        "Short", [](const ge::AscendString& name) { return ge::Operator(name.GetString(), "Short"); });
    EXPECT_TRUE(ge::OperatorFactory::IsExistOp("Short"));
  }
  EXPECT_FALSE(ge::OperatorFactory::IsExistOp("Short")) << "as long as it lives";

  // A graph of them alone.
  const Engine engine;
  const SmallProblem problem(3);
  Feeds feeds;
  problem.node(feeds, "unused");
  ge::Operator node = ge::OperatorFactory::CreateOperator("node", "AddLayerNormGrad");
  const char* const names[] = {"dy", "x1", "x2", "rstd", "mean", "gamma", "dsum"};
  for (std::size_t i = 0; i < 7; ++i) node.SetInput(std::string(names[i]), feeds.operators[i], std::string("y"));
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{node});
  EXPECT_EQ(floats(run_graph(graph, feeds)[0]), problem.expected()[0]);
}

TEST(GraphNames, AreFound) {
  Feeds feeds;
  const auto node = SmallProblem().node(feeds, "node");
  ge::Graph graph("the graph");
  EXPECT_FALSE(graph.IsValid());
  EXPECT_EQ(graph.GetName(), "the graph");
  EXPECT_EQ(ge::Graph(nullptr).GetName(), "");
  graph.SetOutputs(std::vector<ge::Operator>{node});
  EXPECT_TRUE(graph.IsValid());
  graph.AddOp(ge::op::Data("apart"));
  ge::Operator found;
  EXPECT_EQ(graph.FindOpByName("node.gamma", found), ge::GRAPH_SUCCESS);
  EXPECT_EQ(found.GetOpType(), "Data");
  EXPECT_EQ(graph.FindOpByName(std::string("apart"), found), ge::GRAPH_SUCCESS);
  EXPECT_EQ(graph.FindOpByName("nothing", found), ge::GRAPH_FAILED);
  EXPECT_EQ(found.GetName(), "apart");
  std::vector<ge::AscendString> names;
  EXPECT_EQ(graph.GetAllOpName(names), ge::GRAPH_SUCCESS);
  EXPECT_EQ(names.size(), 9U);
}

// What published examples do, each on purpose.

TEST(GraphQuirks, NamesFromArithmeticOnALiteral) {
  const Engine engine;
  const SmallProblem problem(2);
  Feeds feeds;
  ge::op::AddLayerNormGrad node("node");
  const char* const names[] = {"dy", "x1", "x2", "rstd", "mean", "gamma", "dsum"};
  const char* const literal = "place";
  for (std::size_t i = 0; i < 7; ++i) {
    // "place", "lace", ... and, past the end, the same empty name again.
    auto data = ge::op::Data(literal + std::min<std::size_t>(i, 5)).set_attr_index(0);
    EXPECT_EQ(data.update_input_desc_x(desc(ge::DT_FLOAT, problem.dims(i))), ge::GRAPH_SUCCESS);
    feeds.operators.push_back(data);
    feeds.tensors.push_back(tensor(problem.dims(i), problem.values[i]));
    node.SetInput(names[i], data);
  }
  EXPECT_EQ(feeds.operators[6].GetName(), feeds.operators[5].GetName());
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{node});
  const auto outputs = run_graph(graph, feeds);
  const auto expected = problem.expected();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
}

TEST(GraphQuirks, EveryIndexIsZero) {
  // The order is that of SetInputs, whatever the indices say.
  const Engine engine;
  for (const std::int64_t index : {0, 1}) {
    ge::op::Data a("a"), b("b");
    a.set_attr_index(index);
    b.set_attr_index(0);
    Feeds feeds;
    feeds.operators = {b, a};
    feeds.tensors = {tensor({1}, {10}), tensor({1}, {20})};
    ge::Graph graph("g");
    graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{a, b});
    const auto outputs = run_graph(graph, feeds);
    EXPECT_EQ(floats(outputs[0]), std::vector<float>{20});
    EXPECT_EQ(floats(outputs[1]), std::vector<float>{10});
  }
}

TEST(GraphQuirks, TheOptionalInputIsNeverSet) {
  const Engine engine;
  const SmallProblem problem(3);
  Feeds feeds;
  ge::Graph graph("g");
  const auto node = problem.node(feeds, "node", false);
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{node});
  const auto outputs = run_graph(graph, feeds);
  const auto expected = problem.expected(nullptr, false);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
}

TEST(GraphQuirks, EitherPlacementIsTheHosts) {
  const Engine engine;
  for (const ge::Placement placement : {ge::kPlacementHost, ge::kPlacementDevice}) {
    const SmallProblem problem(4);
    Feeds feeds;
    const auto node = problem.node(feeds, "node");
    for (ge::Tensor& tensor : feeds.tensors) {
      ge::TensorDesc d = tensor.GetTensorDesc();
      d.SetPlacement(placement);
      d.SetFormat(ge::FORMAT_NCHW);
      tensor.SetTensorDesc(d);
    }
    ge::Graph graph("g");
    graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{node});
    EXPECT_EQ(floats(run_graph(graph, feeds)[0]), problem.expected()[0]);
  }
}

TEST(GraphQuirks, WhatIsSaidOfComputedTensorsDoesNotCount) {
  // Examples describe the operator's own tensors as well, and not always as they are.
  const Engine engine;
  const SmallProblem problem(5);
  Feeds feeds;
  auto node = problem.node(feeds, "node");
  node.update_input_desc_dy(desc(ge::DT_INT32, {7}));
  node.update_output_desc_dx(desc(ge::DT_BF16, {1, 2, 3}));
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{node});
  const auto outputs = run_graph(graph, feeds);
  EXPECT_EQ(outputs[0].GetTensorDesc().GetShape().GetDims(), (Dims{3, 4}));
  EXPECT_EQ(floats(outputs[0]), problem.expected()[0]);
}

TEST(GraphQuirks, ChangesAfterAddGraphChangeNothing) {
  const Engine engine;
  const SmallProblem problem(6);
  Feeds feeds;
  auto node = problem.node(feeds, "node");
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{node});
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, graph), ge::SUCCESS);
  node.set_input_dsum(node);
  graph.SetOutputs(std::vector<ge::Operator>{});
  std::vector<ge::Tensor> outputs;
  ASSERT_EQ(session.RunGraph(1, feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
  EXPECT_EQ(floats(outputs[0]), problem.expected()[0]);
}

TEST(GraphSizes, DeepGraphsNeedNoStack) {
  const Engine engine;
  Feeds feeds;
  const auto one = feeds.add("one", tensor({1}, {1}));
  constexpr int depth = 50'000;
  ge::Operator at = one;
  for (int i = 1; i < depth; ++i) at = ge::op::Add("add").set_input_x1(at).set_input_x2(one);
  ge::Graph graph("deep");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{at});
  at = ge::Operator();
  EXPECT_EQ(floats(run_graph(graph, feeds)[0]), std::vector<float>{depth});
}

TEST(GraphSizes, BuiltFromTheEndIsTheSame) {
  // Each connection is to a node that others are connected to already, so that each looks for a cycle.
  const Engine engine;
  Feeds feeds;
  const auto one = feeds.add("one", tensor({1}, {1}));
  std::vector<ge::op::Add> nodes;
  for (int i = 0; i < 300; ++i) nodes.emplace_back(std::to_string(i));
  for (std::size_t i = 0; i + 1 < nodes.size(); ++i) nodes[i].set_input_x1(nodes[i + 1]).set_input_x2(one);
  nodes.back().set_input_x1(one).set_input_x2(one);
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{nodes[0]});
  EXPECT_EQ(floats(run_graph(graph, feeds)[0]), std::vector<float>{301});
}

}  // namespace
}  // namespace alng::test
