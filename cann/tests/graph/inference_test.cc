// What is inferred where not all is known: never wrong, and as much as follows.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <set>

#include "alng_cann.h"
#include "cann/tests/graph/graph_run.h"
#include "ge_ir_build.h"

namespace alng::test {
namespace {

constexpr std::int64_t open = -1;

std::string text_of(const Dims& dims) {
  std::string text = "[";
  for (std::size_t d = 0; d < dims.size(); ++d) text += (d > 0 ? ", " : "") + std::to_string(dims[d]);
  return text + "]";
}

// What a dump says of a node's output, such as float32[4, -1]; what is wrong where the graph is.
std::string inferred(const Feeds& feeds, const ge::Operator& node, const std::string& output) {
  const std::string name = testing::TempDir() + "inferred.txt";
  const ge::Graph graph = graph_of(feeds, {node});
  EXPECT_EQ(ge::aclgrphDumpGraph(graph, name.c_str(), name.size()), ge::GRAPH_SUCCESS) << recent_sentence();
  std::ifstream file(name);
  bool in_node = false;
  std::string found;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("wrong: ", 0) == 0) return line;
    if (line.rfind('#', 0) == 0) in_node = line.find("\"node\"") != std::string::npos;
    const std::string begin = "  " + output + " -> ";
    if (in_node && line.rfind(begin, 0) == 0) found = line.substr(begin.size());
  }
  return found;
}

ge::op::Data data(Feeds& feeds, const std::string& name, const Dims& dims, ge::DataType dtype = ge::DT_FLOAT) {
  return feeds.add(name, ge::Tensor(), desc(dtype, dims));
}

// The only extent that a sum of these can have, or -1.
std::int64_t sum_of(std::int64_t a, std::int64_t b) {
  std::set<std::int64_t> possible;
  for (const std::int64_t x : {0, 1, 2, 3, 5}) {
    for (const std::int64_t y : {0, 1, 2, 3, 5}) {
      if ((a != open && a != x) || (b != open && b != y) || (x != y && x != 1 && y != 1)) continue;
      possible.insert(x == 1 ? y : x);
    }
  }
  return possible.size() == 1 ? *possible.begin() : open;
}

TEST(GraphInference, SumsKnowWhatFollowsOfEitherSide) {
  const Engine engine;
  const std::int64_t extents[] = {open, 0, 1, 2, 3};
  for (const std::int64_t a : extents) {
    for (const std::int64_t b : extents) {
      if (a != b && a != open && b != open && a != 1 && b != 1) continue;
      for (const auto& [x1, x2, y] : {std::array<Dims, 3>{Dims{a}, Dims{b}, Dims{sum_of(a, b)}},
                                      {Dims{7, a}, Dims{b}, Dims{7, sum_of(a, b)}},
                                      {Dims{a}, Dims{open, b}, Dims{open, sum_of(a, b)}},
                                      {Dims{a, b}, Dims{b, a}, Dims{sum_of(a, b), sum_of(b, a)}}}) {
        Feeds feeds;
        const auto node = ge::op::Add("node").set_input_x1(data(feeds, "x1", x1)).set_input_x2(data(feeds, "x2", x2));
        EXPECT_EQ(inferred(feeds, node, "y"), "float32" + text_of(y)) << text_of(x1) << " + " << text_of(x2);
      }
    }
  }
  Feeds feeds;
  const auto unknown = data(feeds, "x1", {-2}, ge::DT_UNDEFINED), known = data(feeds, "x2", {3}, ge::DT_BF16);
  EXPECT_EQ(inferred(feeds, ge::op::Add("node").set_input_x1(unknown).set_input_x2(known), "y"),
            "bfloat16 of any shape");
  EXPECT_EQ(inferred(feeds, ge::op::Add("node").set_input_x1(known).set_input_x2(unknown), "y"),
            "bfloat16 of any shape");
}

TEST(GraphInference, CastsKnowWhatTheirInputDoes) {
  const Engine engine;
  for (const Dims& dims : {Dims{open, 4}, Dims{open}, Dims{0, open, 1}}) {
    Feeds feeds;
    const auto node = ge::op::Cast("node").set_attr_dst_type(1).set_input_x(data(feeds, "x", dims, ge::DT_UNDEFINED));
    EXPECT_EQ(inferred(feeds, node, "y"), "float16" + text_of(dims));
  }
}

// Every part of what is known of dy, x1, x2, dsum and gamma is known of dx, dgamma and dbeta.
TEST(GraphInference, GradientsKnowWhatAnyInputDoes) {
  const Engine engine;
  std::mt19937 random(3);
  const auto one_in = [&random](unsigned count) { return random() % count == 0; };
  for (int round = 0; round < 300; ++round) {
    const Dims truth = {2, 3, 5}, columns = one_in(2) ? Dims{5} : Dims{3, 5};
    Dims known = {open, open, open}, last(columns.size(), open);
    const std::size_t before = truth.size() - columns.size();
    bool rank = false, gamma_rank = false, dtype = false;
    Feeds feeds;
    ge::op::AddLayerNormGrad node("node");
    for (const char* name : {"dy", "x1", "x2", "dsum"}) {
      if (std::string(name) == "dsum" && one_in(2)) continue;
      Dims described = truth;
      for (std::int64_t& extent : described) extent = one_in(2) ? open : extent;
      if (one_in(3)) described = {-2};
      const bool typed = one_in(2);
      dtype = dtype || typed;
      for (std::size_t d = 0; described.size() == 3 && d < 3; ++d) known[d] = std::max(known[d], described[d]);
      rank = rank || described.size() == 3;
      node.SetInput(name, data(feeds, name, described, typed ? ge::DT_FLOAT16 : ge::DT_UNDEFINED));
    }
    Dims described = columns;
    for (std::int64_t& extent : described) extent = one_in(2) ? open : extent;
    if (one_in(4)) described = {-2};
    gamma_rank = described != Dims{-2};
    if (gamma_rank) last = described;
    node.SetInput("gamma", data(feeds, "gamma", described, ge::DT_FLOAT16));
    for (const char* name : {"rstd", "mean"}) node.SetInput(name, data(feeds, name, {-2}));
    if (rank && gamma_rank) {
      for (std::size_t d = 0; d < last.size(); ++d) {
        known[before + d] = last[d] = std::max(last[d], known[before + d]);
      }
    }
    const std::string type = dtype ? "float16" : "any dtype";
    EXPECT_EQ(inferred(feeds, node, "dx"), !rank ? type + " of any shape" : type + (dtype ? "" : " ") + text_of(known));
    for (const char* sum : {"dgamma", "dbeta"}) {
      EXPECT_EQ(inferred(feeds, node, sum), gamma_rank ? "float32" + text_of(last) : "float32 of any shape");
    }
  }
}

TEST(GraphInference, EveryFormOfTheStatisticsIsTaken) {
  const Engine engine;
  const SmallProblem problem(1);
  const auto expected = problem.expected();
  for (const Dims& rows : {Dims{3}, Dims{1, 3}, Dims{3, 1}}) {
    for (const Dims& columns : {Dims{4}, Dims{2, 2}, Dims{1, 4}, Dims{4, 1}, Dims{2, 1, 2}}) {
      for (const std::size_t ones : {std::size_t{0}, std::size_t{1}, columns.size()}) {
        for (const bool later : {false, true}) {
          Feeds feeds;
          ge::op::AddLayerNormGrad node("node");
          const char* const names[] = {"dy", "x1", "x2", "rstd", "mean", "gamma", "dsum"};
          for (std::size_t i = 0; i < 7; ++i) {
            Dims dims = rows;
            if (i == 5) dims = columns;
            if (i == 3 || i == 4) dims.resize(dims.size() + ones, 1);
            if (i < 3 || i == 6) dims.insert(dims.end(), columns.begin(), columns.end());
            const ge::Tensor value = tensor(dims, problem.values[i]);
            const Dims described = later ? Dims(dims.size(), open) : dims;
            node.SetInput(names[i], feeds.add(names[i], value, desc(ge::DT_FLOAT, described)));
          }
          const auto outputs = run_graph(graph_of(feeds, {node}), feeds);
          ASSERT_EQ(outputs.size(), 3U);
          for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]);
          EXPECT_EQ(outputs[1].GetTensorDesc().GetShape().GetDims(), columns);
        }
      }
    }
  }
}

class GraphProducts : public testing::Test {
 protected:
  ~GraphProducts() override { EXPECT_EQ(alngCannSetProduct(nullptr), 0); }
};

// A graph that ran before is run as one that is added now.
TEST_F(GraphProducts, AreLookedAtByEveryRun) {
  ASSERT_EQ(alngCannSetProduct("alng"), 0);
  const Engine engine;
  const auto run = [](ge::Session& session, const Feeds& feeds, std::vector<ge::Tensor>& outputs, std::size_t& memory) {
    const ge::Status status = session.RunGraph(1, feeds.tensors, outputs);
    const auto summary = session.GetCompiledGraphSummary(1);
    if (summary != nullptr) summary->GetFeatureMemorySize(memory);
    return status;
  };
  const SmallProblem problem(1);
  Feeds feeds;
  const ge::Graph graph = graph_of(feeds, {problem.node(feeds, "grad")});
  ge::Session old(Options{});
  for (const char* product : {"alng", "Ascend910B1", "alng", "Ascend950PR_9599", "Ascend910B1"}) {
    ASSERT_EQ(alngCannSetProduct(product), 0);
    if (std::string(product) == "alng") old.AddGraph(1, graph);
    ge::Session fresh(Options{});
    Feeds again;
    ASSERT_EQ(fresh.AddGraph(1, graph_of(again, {problem.node(again, "grad")})), ge::SUCCESS) << recent_sentence();
    std::vector<ge::Tensor> outputs, expected;
    std::size_t memory = 0, expected_memory = 1;
    ASSERT_EQ(run(old, feeds, outputs, memory), ge::SUCCESS) << recent_sentence();
    ASSERT_EQ(run(fresh, again, expected, expected_memory), ge::SUCCESS) << recent_sentence();
    EXPECT_EQ(memory, expected_memory) << product;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(bytes(outputs[i]), bytes(expected[i])) << product;
  }
}

TEST_F(GraphProducts, ThatLackADtypeRefuseAGraphThatRanBefore) {
  ASSERT_EQ(alngCannSetProduct("alng"), 0);
  const Engine engine;
  Feeds feeds;
  ge::op::AddLayerNormGrad node("grad");
  const auto add = [&](const char* name, const Dims& dims, ge::DataType dtype) {
    std::size_t size = static_cast<std::size_t>(ge::GetSizeByDataType(dtype));
    for (const std::int64_t extent : dims) size *= static_cast<std::size_t>(extent);
    node.SetInput(name, feeds.add(name, tensor(dtype, dims, std::vector<std::byte>(size, std::byte{0x3c}))));
  };
  for (const char* name : {"dy", "x1", "x2"}) add(name, {3, 4}, ge::DT_BF16);
  for (const char* name : {"rstd", "mean"}) add(name, {3, 1}, ge::DT_FLOAT);
  add("gamma", {4}, ge::DT_BF16);
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(1, graph_of(feeds, {node})), ge::SUCCESS) << recent_sentence();
  std::vector<ge::Tensor> first, second;
  ASSERT_EQ(session.RunGraph(1, feeds.tensors, first), ge::SUCCESS) << recent_sentence();
  ASSERT_EQ(alngCannSetProduct("Ascend310P3"), 0);
  expect_refused(session.RunGraph(1, feeds.tensors, second),
                 "dy is bfloat16[3, 4] but must be float32 or float16 on Ascend310P");
  EXPECT_TRUE(second.empty());
  ASSERT_EQ(alngCannSetProduct("alng"), 0);
  ASSERT_EQ(session.RunGraph(1, feeds.tensors, second), ge::SUCCESS) << recent_sentence();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(bytes(second[i]), bytes(first[i]));
}

}  // namespace
}  // namespace alng::test
