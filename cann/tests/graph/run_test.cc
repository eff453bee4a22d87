// What graphs compute, and where.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "cann/tests/graph/graph_run.h"
#include "ge_ir_build.h"

namespace alng::test {
namespace {

using Outputs = std::vector<std::pair<ge::Operator, std::vector<std::size_t>>>;
using NamedOutputs = std::vector<std::pair<ge::Operator, std::string>>;

TEST(Graphs, TwoLayersHaveTheBytesOfTwoCalls) {
  const Engine engine;
  const SmallProblem first(1), second(2);
  Feeds feeds;
  const auto lower = first.node(feeds, "first");
  auto upper = second.node(feeds, "second", false);
  upper.set_input_dsum(lower, 0);  // dx
  const auto outputs = run_graph(graph_of(feeds, {upper, lower}), feeds);
  ASSERT_EQ(outputs.size(), 6U);
  const auto of_first = first.expected();
  const auto of_second = second.expected(&of_first[0]);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(floats(outputs[i]), of_second[i]) << i;
    EXPECT_EQ(floats(outputs[3 + i]), of_first[i]) << i;
  }
}

TEST(Graphs, AnIntermediateThatNobodyAskedForIsScratch) {
  const Engine engine;
  const SmallProblem first(1), second(2);
  Feeds feeds;
  const auto lower = first.node(feeds, "first");
  auto upper = second.node(feeds, "second", false);
  upper.set_input_dsum_by_name(lower, "dx");
  const auto outputs = run_graph(graph_of(feeds, {upper}), feeds);
  ASSERT_EQ(outputs.size(), 3U);
  const auto of_second = second.expected(&first.expected()[0]);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), of_second[i]) << i;
}

TEST(Graphs, AnOutputUsedTwiceFeedsBoth) {
  const Engine engine;
  const SmallProblem first(1), second(2), third(3);
  Feeds feeds;
  const auto source = first.node(feeds, "source");
  auto left = second.node(feeds, "left", false), right = third.node(feeds, "right", false);
  left.set_input_dsum(source, "dx");
  right.set_input_dsum(source, "dx");
  const auto outputs = run_graph(graph_of(feeds, {left, right}), feeds);
  ASSERT_EQ(outputs.size(), 6U);
  const auto dx = first.expected()[0];
  const auto of_left = second.expected(&dx), of_right = third.expected(&dx);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(floats(outputs[i]), of_left[i]);
    EXPECT_EQ(floats(outputs[3 + i]), of_right[i]);
  }
}

TEST(Graphs, OneValueForEveryInputThatTakesIt) {
  // dy, x1, x2 and dsum are one tensor, and it is an intermediate whose place dx takes.
  const Engine engine;
  SmallProblem problem(4);
  Feeds feeds;
  const auto a = feeds.add("a", tensor({3, 4}, problem.values[0]));
  auto sum = ge::op::Add("sum").set_input_x1(a).set_input_x2(a);
  auto node = problem.node(feeds, "node");
  for (const char* name : {"dy", "x1", "x2", "dsum"}) node.SetInput(name, sum);
  const auto outputs = run_graph(graph_of(feeds, {node}), feeds);
  std::vector<float> doubled = problem.values[0];
  for (float& value : doubled) value += value;
  for (const std::size_t i : {0, 1, 2, 6}) problem.values[i] = doubled;
  const auto expected = problem.expected();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
}

TEST(Graphs, GammaIsNotWrittenOver) {
  // Rank 1: dy and gamma are the same intermediate, and dx may lie over dy but not over gamma.
  const Engine engine;
  Feeds feeds;
  const std::vector<float> values = numbers(8, 3), one = {0.5F};
  const auto a = feeds.add("a", tensor({8}, values));
  const auto statistic = feeds.add("s", tensor({1}, one));
  auto sum = ge::op::Add("sum").set_input_x1(a).set_input_x2(a);
  ge::op::AddLayerNormGrad node("node");
  for (const char* name : {"dy", "x1", "x2", "gamma"}) node.SetInput(name, sum);
  for (const char* name : {"rstd", "mean"}) node.SetInput(name, statistic);
  const auto outputs =
      run_graph(graph_of(feeds, {node, ge::op::Cast("copy").set_input_x(node).set_attr_dst_type(0)}), feeds);
  SmallProblem problem(0, 1, 8);
  problem.values[0] = values;
  for (float& value : problem.values[0]) value += value;
  for (const std::size_t i : {1, 2, 5}) problem.values[i] = problem.values[0];
  problem.values[3] = problem.values[4] = one;
  const auto expected = problem.expected(nullptr, false);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
  EXPECT_EQ(floats(outputs[3]), expected[0]);
}

TEST(Graphs, OutputsByIndexByNameAndRepeated) {
  const Engine engine;
  const SmallProblem problem(5);
  const auto expected = problem.expected();
  {
    Feeds feeds;
    const auto node = problem.node(feeds, "node");
    ge::Graph graph("by index");
    graph.SetInputs(feeds.operators).SetOutputs(Outputs{{node, {2, 0}}, {node, {2}}, {node, {}}});
    const auto outputs = run_graph(graph, feeds);
    ASSERT_EQ(outputs.size(), 6U);
    const std::size_t order[] = {2, 0, 2, 0, 1, 2};
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(floats(outputs[i]), expected[order[i]]) << i;
    // Tensors share no memory.
    EXPECT_NE(outputs[0].GetData(), outputs[2].GetData());
  }
  Feeds feeds;
  const auto node = problem.node(feeds, "node");
  ge::Graph graph("by name");
  graph.SetInputs(feeds.operators).SetOutputs(NamedOutputs{{node, "dgamma"}, {node, ""}, {node, "dx"}});
  const auto outputs = run_graph(graph, feeds);
  ASSERT_EQ(outputs.size(), 5U);
  const std::size_t order[] = {1, 0, 1, 2, 0};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(floats(outputs[i]), expected[order[i]]) << i;
}

TEST(Graphs, WhatComesInMayGoOut) {
  const Engine engine;
  Feeds feeds;
  const auto a = feeds.add("a", tensor({4}, {1, 2, 3, 4}));
  const ge::op::Const constant = ge::op::Const("c").set_attr_value(tensor({2}, {5, 6}));
  const auto outputs = run_graph(graph_of(feeds, {a, constant, a}), feeds);
  ASSERT_EQ(outputs.size(), 3U);
  EXPECT_EQ(floats(outputs[0]), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(floats(outputs[1]), (std::vector<float>{5, 6}));
  EXPECT_EQ(floats(outputs[2]), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_NE(outputs[0].GetData(), feeds.tensors[0].GetData());
}

TEST(Graphs, DtypesThatNobodyComputesWithPassThrough) {
  const Engine engine;
  Feeds feeds;
  const std::vector<std::byte> four(4, std::byte{7});
  const auto a = feeds.add("a", tensor(ge::DT_INT8, {4}, four));
  EXPECT_EQ(bytes(run_graph(graph_of(feeds, {a}), feeds)[0]), four);
}

TEST(Graphs, ConstantsAreCopiedWhenTheGraphIsAdded) {
  const Engine engine;
  SmallProblem problem(6);
  Feeds feeds;
  ge::Tensor gamma = tensor({4}, problem.values[5]);
  auto node = problem.node(feeds, "node", false);
  feeds.operators.erase(feeds.operators.begin() + 5);
  feeds.tensors.erase(feeds.tensors.begin() + 5);
  const ge::op::Const constant = ge::op::Const("gamma").set_attr_value(gamma);
  node.set_input_gamma(constant);
  feeds.operators.push_back(constant);  // takes no tensor
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, graph_of(feeds, {node})), ge::SUCCESS) << recent_sentence();
  std::memset(gamma.GetData(), 0xFF, gamma.GetSize());
  std::vector<ge::Tensor> outputs;
  ASSERT_EQ(session.RunGraph(1, feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
  const auto expected = problem.expected(nullptr, false);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
  const auto summary = session.GetCompiledGraphSummary(1);
  ASSERT_NE(summary, nullptr);
  std::size_t bytes = 0;
  ASSERT_EQ(summary->GetConstMemorySize(bytes), ge::SUCCESS);
  EXPECT_EQ(bytes, 16U);
}

TEST(Graphs, ExtentsThatAreNotKnownComeWithTheRun) {
  const Engine engine;
  const SmallProblem shape(0);
  Feeds described;
  ge::op::AddLayerNormGrad node("node");
  const char* const names[] = {"dy", "x1", "x2", "rstd", "mean", "gamma"};
  for (std::size_t i = 0; i < 6; ++i) {
    Dims dims = shape.dims(i);
    if (i != 5) dims[0] = -1;
    if (i == 5 || i < 3) dims.back() = -1;
    node.SetInput(names[i], described.add(names[i], {}, desc(ge::DT_FLOAT, dims)));
  }
  auto copy = ge::op::Cast("copy").set_input_x(node).set_attr_dst_type(ge::DT_FLOAT);
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, graph_of(described, {node, copy})), ge::SUCCESS) << recent_sentence();
  ASSERT_EQ(session.CompileGraph(1), ge::SUCCESS);
  EXPECT_EQ(session.GetCompiledGraphSummary(1), nullptr);
  EXPECT_NE(recent_sentence().find("was not compiled, built or run"), std::string::npos);
  // More shapes than are kept, and the first of them again.
  for (int k = 0; k <= 70; ++k) {
    const SmallProblem problem(k, 1 + k % 70, 4 + k % 3);
    Feeds feeds;
    problem.node(feeds, "unused", false);
    std::vector<ge::Tensor> outputs;
    ASSERT_EQ(session.RunGraph(1, feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
    const auto expected = problem.expected(nullptr, false);
    for (std::size_t i = 0; i < 3; ++i) ASSERT_EQ(floats(outputs[i]), expected[i]) << k << " " << i;
    ASSERT_EQ(floats(outputs[3]), expected[0]);
  }
  const auto summary = session.GetCompiledGraphSummary(1);
  ASSERT_NE(summary, nullptr);
  EXPECT_FALSE(summary->IsStatic());
}

TEST(Graphs, NothingNeedBeSaidOfData) {
  const Engine engine;
  const SmallProblem problem(7);
  Feeds feeds;
  problem.node(feeds, "described");
  std::vector<ge::Operator> bare;
  ge::op::AddLayerNormGrad node("node");
  const char* const names[] = {"dy", "x1", "x2", "rstd", "mean", "gamma", "dsum"};
  for (const char* name : names) {
    bare.push_back(ge::op::Data(name));
    node.SetInput(name, bare.back());
  }
  feeds.operators = bare;
  // No description has the dtype float32 and rank 0: the rank is open then, and the dtype too where nothing was said.
  const auto outputs = run_graph(graph_of(feeds, {node}), feeds);
  const auto expected = problem.expected();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
}

TEST(Graphs, ATensorWithoutADescriptionIsWhatTheGraphSays) {
  const Engine engine;
  Feeds feeds;
  const auto a = feeds.add("a", tensor({2, 2}, {1, 2, 3, 4}));
  ge::Tensor bare;
  ASSERT_EQ(bare.SetData(feeds.tensors[0].GetData(), 16), ge::GRAPH_SUCCESS);
  feeds.tensors[0] = bare;
  const auto outputs = run_graph(graph_of(feeds, {a}), feeds);
  EXPECT_EQ(outputs[0].GetTensorDesc().GetShape().GetDims(), (Dims{2, 2}));
}

TEST(Graphs, NoRowsGiveZerosAndNoColumnsNothing) {
  const Engine engine;
  for (const bool rows : {true, false}) {
    const SmallProblem problem(0, rows ? 3 : 0, rows ? 0 : 4);
    Feeds feeds;
    const auto node = problem.node(feeds, "node");
    const auto outputs = run_graph(graph_of(feeds, {node}), feeds);
    ASSERT_EQ(outputs.size(), 3U);
    EXPECT_EQ(outputs[0].GetSize(), 0U);
    EXPECT_EQ(floats(outputs[1]), std::vector<float>(rows ? 0 : 4, 0.0F));
    EXPECT_EQ(floats(outputs[2]), std::vector<float>(rows ? 0 : 4, 0.0F));
  }
}

TEST(Graphs, InputsAreReadWhereTheyLieAndLeftAlone) {
  const Engine engine;
  const SmallProblem problem(8);
  Feeds feeds;
  const auto node = problem.node(feeds, "node");
  std::vector<std::vector<std::byte>> before;
  int freed = 0;
  for (ge::Tensor& each : feeds.tensors) {
    before.push_back(bytes(each));
    // Memory of the program's own, that is given back by the program's own function.
    auto* const memory = new std::uint8_t[each.GetSize()];
    std::memcpy(memory, each.GetData(), each.GetSize());
    ge::Tensor own(each.GetTensorDesc());
    ASSERT_EQ(own.SetData(memory, each.GetSize(),
                          [&freed](std::uint8_t* data) {
                            delete[] data;
                            ++freed;
                          }),
              ge::GRAPH_SUCCESS);
    EXPECT_EQ(own.GetData(), memory);
    each = own;
  }
  const auto outputs = run_graph(graph_of(feeds, {node}), feeds);
  const auto expected = problem.expected();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]) << i;
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(bytes(feeds.tensors[i]), before[i]) << i;
  feeds.tensors.clear();
  EXPECT_EQ(freed, 7);
}

std::size_t feature_bytes(const ge::Graph& graph) {
  ge::Session session(Options{});
  EXPECT_EQ(session.AddGraph(1, graph), ge::SUCCESS) << recent_sentence();
  EXPECT_EQ(session.CompileGraph(1), ge::SUCCESS) << recent_sentence();
  const auto summary = session.GetCompiledGraphSummary(1);
  if (summary == nullptr) {
    ADD_FAILURE() << recent_sentence();
    return 0;
  }
  EXPECT_TRUE(summary->IsStatic());
  std::size_t bytes = 0;
  EXPECT_EQ(summary->GetFeatureMemorySize(bytes), ge::SUCCESS);
  return bytes;
}

TEST(GraphMemory, AChainOfAnyLengthTakesThePlaceOfOneValue) {
  const Engine engine;
  for (const int length : {2, 3, 30}) {
    Feeds feeds;
    const auto a = feeds.add("a", tensor({1024}, std::vector<float>(1024, 1.0F)));
    ge::Operator at = a;
    for (int i = 0; i < length; ++i) at = ge::op::Add("add").set_input_x1(at).set_input_x2(a);
    const ge::Graph graph = graph_of(feeds, {at});
    EXPECT_EQ(feature_bytes(graph), 4096U) << length;
    EXPECT_EQ(floats(run_graph(graph, feeds)[0]), std::vector<float>(1024, static_cast<float>(length + 1)));
  }
}

TEST(GraphMemory, OneNodeNeedsNoneForValues) {
  const Engine engine;
  Feeds feeds;
  const auto a = feeds.add("a", tensor({1024}, std::vector<float>(1024, 1.0F)));
  EXPECT_EQ(feature_bytes(graph_of(feeds, {ge::op::Add("add").set_input_x1(a).set_input_x2(a)})), 0U);
}

TEST(GraphMemory, AValueThatIsStillNeededKeepsItsPlace) {
  const Engine engine;
  Feeds feeds;
  const auto a = feeds.add("a", tensor({1024}, numbers(1024, 1)));
  // two = a+a lives to the last node; four, eight and sixteen take turns.
  const auto add = [](const char* name, const ge::Operator& x1, const ge::Operator& x2) {
    return ge::op::Add(name).set_input_x1(x1).set_input_x2(x2);
  };
  const auto two = add("two", a, a), four = add("four", two, two), eight = add("eight", four, four);
  const auto sixteen = add("sixteen", eight, eight);
  const ge::Graph graph = graph_of(feeds, {add("eighteen", sixteen, two)});
  EXPECT_EQ(feature_bytes(graph), 2 * 4096U);
  std::vector<float> expected = numbers(1024, 1);
  for (float& value : expected) value *= 18;
  EXPECT_EQ(floats(run_graph(graph, feeds)[0]), expected);
}

TEST(GraphMemory, ValuesOfOtherSizesFillGaps) {
  const Engine engine;
  Feeds feeds;
  const auto a = feeds.add("a", tensor({1000}, numbers(1000, 1)));
  const auto cast = [](const ge::Operator& x, ge::DataType dtype) {
    return ge::op::Cast("cast").set_input_x(x).set_attr_dst_type(dtype);
  };
  // 16-bit and 32-bit values in turn: a cast to another size can't be done in place, so that two lie there at once.
  ge::Operator at = a;
  for (int i = 0; i < 10; ++i) at = cast(cast(at, ge::DT_BF16), ge::DT_FLOAT);
  const ge::Graph graph = graph_of(feeds, {cast(at, ge::DT_BF16), cast(a, ge::DT_BF16)});
  EXPECT_LE(feature_bytes(graph), 4032U + 2048U + 4032U);
  const auto outputs = run_graph(graph, feeds);
  EXPECT_EQ(bytes(outputs[0]), bytes(outputs[1]));
}

TEST(GraphMemory, OutputsThatNobodyReadsAreNotComputed) {
  const Engine engine;
  const SmallProblem problem(0, 3, 4096);
  Feeds feeds;
  const auto lower = problem.node(feeds, "lower");
  auto upper = problem.node(feeds, "upper", false);
  upper.set_input_dsum(lower);
  ge::Graph dx_alone("dx alone"), all("all");
  dx_alone.SetInputs(feeds.operators).SetOutputs(Outputs{{upper, {0}}});
  all.SetInputs(feeds.operators).SetOutputs({upper});
  EXPECT_LT(feature_bytes(dx_alone), feature_bytes(all));
}

}  // namespace
}  // namespace alng::test
