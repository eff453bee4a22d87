// Random graphs: each output has the bytes that its node computes alone, however values share memory.
#include "cann/tests/graph/random_graph.h"

#include <gtest/gtest.h>

namespace alng::test {
namespace {

TEST(Graphs, RandomOnesHaveTheBytesOfTheirNodesAlone) {
  const Engine engine;
  std::size_t nodes = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    const RandomGraph random(seed);
    nodes += random.values.size() - random.feeds.tensors.size();
    ge::Session session(Options{});
    ASSERT_EQ(session.AddGraph(1, random.graph), ge::SUCCESS) << recent_sentence();
    for (const bool again : {false, true}) {  // in scratch memory that was used before
      std::vector<ge::Tensor> outputs;
      ASSERT_EQ(session.RunGraph(1, random.feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
      ASSERT_EQ(outputs.size(), random.outputs.size());
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        ASSERT_EQ(bytes(outputs[i]), bytes(random.values[random.outputs[i]].tensor))
            << "seed " << seed << ", output " << i << (again ? ", second run" : "");
      }
    }
  }
  EXPECT_GT(nodes, 4000U);
}

// Each sum has 2^62 bytes, three of them live at once.
TEST(Graphs, OfValuesThatTogetherPass63BitsAreRefused) {
  const Engine engine;
  Feeds feeds;
  const ge::Tensor one = tensor({1, 1}, {1});
  const auto a = feeds.add("a", one, desc(ge::DT_FLOAT, {std::int64_t{1} << 30, 1}));
  const auto b = feeds.add("b", one, desc(ge::DT_FLOAT, {1, std::int64_t{1} << 30}));
  const auto sum = [](const char* name, const ge::Operator& x1, const ge::Operator& x2) {
    ge::op::Add node(name);
    node.SetInput("x1", x1).SetInput("x2", x2);
    return node;
  };
  const auto left = sum("left", sum("a1", a, b), sum("a2", a, b));
  const auto all = sum("all", left, sum("right", sum("a3", a, b), sum("a4", a, b)));
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, graph_of(feeds, {all})), ge::SUCCESS) << recent_sentence();
  expect_refused(session.CompileGraph(1), "memory ran out");
}

}  // namespace
}  // namespace alng::test
