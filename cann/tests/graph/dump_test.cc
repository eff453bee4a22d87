// Graphs as text and as drawings: what is written of right and of wrong ones.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cann/tests/graph/graph_run.h"
#include "ge_ir_build.h"

namespace alng::test {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("alng_dump_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

std::string contents(const std::string& name) {
  std::ifstream stream(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Dump {
  std::string text, dot;
};

Dump dump(const ge::Graph& graph) {
  const Folder folder;
  const std::string name = folder / "graph";
  // The name ends where `len` says.
  const std::string longer = name + "and more";
  EXPECT_EQ(ge::aclgrphDumpGraph(graph, longer.c_str(), name.size()), ge::GRAPH_SUCCESS) << recent_sentence();
  return {contents(name + ".txt"), contents(name + ".dot")};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(GraphDumps, SayWhatAGraphIs) {
  const SmallProblem problem(1);
  Feeds feeds;
  const auto lower = problem.node(feeds, "lower", false);
  auto upper = problem.node(feeds, "upper", false);
  upper.set_input_dsum(lower);
  ge::Graph graph("two \"layers\"\n");
  graph.SetInputs(feeds.operators)
      .SetOutputs(std::vector<std::pair<ge::Operator, std::vector<std::size_t>>>{{upper, {}}, {lower, {1}}});
  const auto [text, dot] = dump(graph);
  EXPECT_EQ(text.rfind("graph \"two \"layers\"\\x0a\": 14 nodes, 12 inputs, 4 outputs\n\n", 0), 0U) << text;
  EXPECT_FALSE(contains(text, "wrong")) << text;
  EXPECT_TRUE(contains(text, "  dsum <- not connected\n")) << text;
  // Which numbers nodes have is the engine's choice.
  const auto number_of = [&text = text](const std::string& node) {
    const std::size_t end = text.find(" AddLayerNormGrad \"" + node + "\"\n");
    EXPECT_NE(end, std::string::npos) << node << " in " << text;
    const std::size_t begin = text.rfind('#', end) + 1;
    return text.substr(begin, end - begin);
  };
  const std::string of_upper = number_of("upper"), of_lower = number_of("lower");
  EXPECT_TRUE(contains(text, "  dsum <- #" + of_lower + " \"lower\" dx: float32[3, 4]\n")) << text;
  // Inferred, not described.
  EXPECT_TRUE(contains(text, "  dx -> float32[3, 4]\n  dgamma -> float32[4]\n  dbeta -> float32[4]\n")) << text;
  EXPECT_TRUE(contains(text, "output 0: #" + of_upper + " \"upper\" dx: float32[3, 4]\n")) << text;
  EXPECT_TRUE(contains(text, "output 3: #" + of_lower + " \"lower\" dgamma: float32[4]\n")) << text;
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(contains(text, "input " + std::to_string(i) + ": #")) << i;
    EXPECT_TRUE(contains(text, " \"" + std::string(feeds.operators[i].GetName()) + "\"\n")) << i;
  }
  EXPECT_TRUE(contains(dot, "  n" + of_lower + " -> n" + of_upper +
                                " [taillabel=\"dx\", headlabel=\"dsum\", label=\"float32[3, 4]\"];\n"))
      << dot;
}

TEST(GraphDumps, AreDrawnWithEscapes) {
  Feeds feeds;
  const auto data = feeds.add("a\\N\n", tensor({1}, {1}));
  ge::Graph graph("\"; }");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{data});
  EXPECT_EQ(
      dump(graph).dot,
      "digraph \"\\\"; }\" {\n  rankdir=TB;\n  node [shape=box];\n"
      "  n0 [label=\"Data\\na\\\\N\\\\x0a\", style=rounded];\n"
      "  out0 [label=\"output 0\", shape=plaintext];\n  n0 -> out0 [taillabel=\"y\", label=\"float32[1]\"];\n}\n");
}

TEST(GraphDumps, WrongGraphsAreShownWithWhatIsWrong) {
  Feeds feeds;
  const auto data = feeds.add("data", tensor({3}, {1, 2, 3}));
  ge::op::Add a("a"), b("b");
  a.set_input_x1(data, 5).set_input_x2(b);
  b.set_input_x1(a).set_input_x2(ge::Operator());
  b.SetInput("x3", data);
  ge::Operator stranger("stranger", "Stranger");
  stranger.SetInput("in", a, "out");
  ge::Graph graph("wrong");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{b}).AddOp(stranger).AddOp(ge::Operator());
  const auto [text, dot] = dump(graph);
  EXPECT_TRUE(contains(text, "wrong: node \"b\" (Add): something is connected to its input \"x3\"")) << text;
  EXPECT_TRUE(contains(text, ": 4 nodes, 1 input, 1 output\n")) << text;
  EXPECT_TRUE(contains(text, "\"data\" number 5: ?\n")) << text;
  EXPECT_TRUE(contains(text, "  x2 <- not connected, an empty operator\n")) << text;
  EXPECT_TRUE(contains(text, "  in <- #2 \"a\" out: ?\n") || contains(text, "  in <- #3 \"a\" out: ?\n")) << text;
  EXPECT_TRUE(contains(dot, "  label=\"wrong: node \\\"b\\\" (Add)")) << dot;
  // And nothing at all.
  EXPECT_TRUE(contains(dump(ge::Graph()).text, ": 0 nodes, 0 inputs, 0 outputs\n"));
}

TEST(GraphDumps, EveryAttributeAndExtentIsReadable) {
  Feeds feeds;
  const auto open = feeds.add("open", {}, ge::TensorDesc(ge::Shape({-1, 4}), ge::FORMAT_ND, ge::DT_BF16));
  ge::Operator cast = ge::op::Cast("cast").set_input_x(open).set_attr_dst_type(ge::DT_FLOAT);
  cast.SetAttr("float", 0.5F).SetAttr("flag", true).SetAttr("text", "a\tb").SetAttr("list", Dims{1, 2});
  cast.SetAttr("dtype", ge::DT_FLOAT16).SetAttr("tensor", tensor({2}, {1, 2}));
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{cast, ge::op::Data()});
  graph.SetOutputs(std::vector<ge::Operator>{cast});
  const std::string text = dump(graph).text;
  for (const char* part :
       {"  dst_type=0", "  float=0.500000", "  flag=true", "  text=a\\x09b", "  list=[1, 2]", "  dtype=float16",
        "  tensor=float32[2], 8 bytes", "  y -> bfloat16[-1, 4]\n", "  y -> float32[-1, 4]\n"}) {
    EXPECT_TRUE(contains(text, part)) << part << " in " << text;
  }
}

TEST(GraphDumps, NamesThatEndInTxtStayAsTheyAre) {
  const Folder folder;
  const std::string name = folder / "graph.txt";
  EXPECT_EQ(ge::aclgrphDumpGraph(ge::Graph(), name.c_str(), name.size()), ge::GRAPH_SUCCESS);
  EXPECT_TRUE(fs::exists(name));
  EXPECT_TRUE(fs::exists(folder / "graph.dot"));
}

}  // namespace
}  // namespace alng::test
