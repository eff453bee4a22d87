// Every case that the operator's IR can express, as a graph of one node: inference, and the bits of the C++ interface.
#include "operator/case_list.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "cann/tests/graph/graph_run.h"
#include "cases/instance.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Case;
using cases::Instance;

// The IR requires x2 and overwrites its outputs.
bool expressible(const Case& what) { return what.x2 && !what.accumulate; }

std::vector<Case> expressible_of(const std::vector<Case>& all) {
  std::vector<Case> out;
  for (const Case& what : all) {
    if (expressible(what)) out.push_back(what);
  }
  return out;
}

constexpr std::array<const char*, 7> input_names = {"dy", "x1", "x2", "rstd", "mean", "gamma", "dsum"};

Dims dims_of(const TensorLayout& layout) { return {layout.shape.begin(), layout.shape.begin() + layout.rank}; }

// Without gamma: the dimensions of dy for which rstd has trailing 1s, all of them.
Dims told_by_rstd(const Instance& instance) {
  const Dims dy = dims_of(*instance.layout(grad::dy));
  const Dims rstd = dims_of(*instance.layout(grad::rstd));
  auto leading = static_cast<std::ptrdiff_t>(rstd.size());
  while (leading > 0 && rstd[static_cast<std::size_t>(leading - 1)] == 1) --leading;
  return {dy.begin() + leading, dy.end()};
}

// All extents that are not 1 are told at the run only.
ge::TensorDesc with_open_extents(const ge::TensorDesc& desc) {
  Dims dims = desc.GetShape().GetDims();
  for (std::int64_t& extent : dims) {
    if (extent != 1) extent = -1;
  }
  return ge::TensorDesc(ge::Shape(dims), desc.GetFormat(), desc.GetDataType());
}

class GraphCases : public testing::TestWithParam<Case> {};

TEST_P(GraphCases, AreInferredAndHaveTheBitsOfTheCppInterface) {
  const Instance instance(GetParam());
  const Outcome expected = run_case(instance);
  ASSERT_TRUE(expected.status.ok()) << expected.status.message();

  const Engine engine;
  for (const bool open : {false, true}) {
    Feeds feeds;
    ge::op::AddLayerNormGrad node("node");
    for (int t = 0; t < grad::dx; ++t) {
      if (!instance.layout(t)) continue;
      // Graphs have dense tensors.
      const TensorLayout& layout = *instance.layout(t);
      const ge::Tensor value =
          tensor(ge_dtype(layout.dtype), dims_of(layout), instance.elements(t, instance.storage(t).data()));
      const char* const name = input_names[static_cast<std::size_t>(t)];
      const ge::TensorDesc described = value.GetTensorDesc();
      node.SetInput(name, feeds.add(name, value, open ? with_open_extents(described) : described));
    }
    std::vector<std::size_t> wanted;
    for (int t = grad::dx; t < grad::count; ++t) {
      if (instance.layout(t)) wanted.push_back(static_cast<std::size_t>(t - grad::dx));
    }
    if (wanted.empty()) return;
    ge::Graph graph("case");
    graph.SetInputs(feeds.operators)
        .SetOutputs(std::vector<std::pair<ge::Operator, std::vector<std::size_t>>>{{node, wanted}});
    ge::Session session(Options{});
    ASSERT_EQ(session.AddGraph(0, graph), ge::SUCCESS) << recent_sentence();

    // Without a run where shapes are known, of descriptions alone where they are not.
    ASSERT_EQ(open ? session.BuildGraph(0, feeds.tensors) : session.CompileGraph(0), ge::SUCCESS) << recent_sentence();
    const auto summary = session.GetCompiledGraphSummary(0);
    ASSERT_NE(summary, nullptr) << recent_sentence();
    std::vector<ge::Shape> shapes;
    std::vector<ge::DataType> types;
    ASSERT_EQ(summary->GetOutputShapes(shapes), ge::SUCCESS);
    ASSERT_EQ(summary->GetOutputDtypes(types), ge::SUCCESS);
    std::vector<ge::Tensor> outputs;
    ASSERT_EQ(session.RunGraph(0, feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
    ASSERT_EQ(outputs.size(), wanted.size());
    ASSERT_EQ(shapes.size(), wanted.size());

    Outcome got;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const TensorLayout& like = *instance.layout(grad::dx + static_cast<int>(wanted[i]));
      const ge::DataType dtype = ge_dtype(like.dtype);
      const Dims dims = wanted[i] == 0 || instance.layout(grad::gamma) ? dims_of(like) : told_by_rstd(instance);
      EXPECT_EQ(shapes[i].GetDims(), dims);
      EXPECT_EQ(types[i], dtype);
      EXPECT_EQ(outputs[i].GetTensorDesc().GetShape().GetDims(), dims);
      EXPECT_EQ(outputs[i].GetTensorDesc().GetDataType(), dtype);
      EXPECT_EQ(outputs[i].GetTensorDesc().GetPlacement(), ge::kPlacementHost);
      got.outputs[wanted[i]] = bytes(outputs[i]);
    }
    EXPECT_EQ(difference(instance, expected, got), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Fast, GraphCases, testing::ValuesIn(expressible_of(fast(cases::all_cases()))), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, GraphCases, testing::ValuesIn(expressible_of(slow(cases::all_cases()))), case_name);

TEST(GraphCaseList, IsMostlyExpressible) {
  const std::size_t all = cases::all_cases().size();
  const std::size_t left = expressible_of(cases::all_cases()).size();
  EXPECT_GT(left * 2, all) << left << " of " << all;
}

}  // namespace
}  // namespace alng::test
