// Graphs as text: what is written of right and of wrong ones, and that `alng graph` reads it.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cann/tests/graph/graph_run.h"
#include "ge_ir_build.h"
#include "graph_text.h"

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

std::string dump(const ge::Graph& graph) {
  const Folder folder;
  const std::string name = folder / "graph";
  // The name ends where `len` says.
  const std::string longer = name + "and more";
  EXPECT_EQ(ge::aclgrphDumpGraph(graph, longer.c_str(), name.size()), ge::GRAPH_SUCCESS) << recent_sentence();
  std::ifstream stream(name + ".txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
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
  const std::string text = dump(graph);
  EXPECT_TRUE(contains(text, "alng graph 1\ngraph \"two \\\"layers\\\"\\x0a\"\n")) << text;
  EXPECT_TRUE(contains(text, "  open \"dsum\"\n")) << text;
  EXPECT_FALSE(contains(text, "\nwrong ")) << text;

  const cli::GraphText parsed = cli::parse_graph(text);
  EXPECT_EQ(parsed.name, "two \"layers\"\n");
  ASSERT_EQ(parsed.nodes.size(), 14U);
  ASSERT_EQ(parsed.inputs.size(), 12U);
  ASSERT_EQ(parsed.outputs.size(), 4U);
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(parsed.nodes[parsed.inputs[i]].name, feeds.operators[i].GetName());
  const cli::GraphText::Node& node = parsed.nodes[parsed.outputs[0].node];
  EXPECT_EQ(node.name, "upper");
  EXPECT_EQ(node.type, "AddLayerNormGrad");
  ASSERT_EQ(node.inputs.size(), 7U);
  EXPECT_EQ(node.inputs[6].name, "dsum");
  ASSERT_TRUE(node.inputs[6].source);
  EXPECT_EQ(node.inputs[6].source->node, parsed.outputs[3].node);
  EXPECT_EQ(node.inputs[6].source->output, "dx");
  // Inferred, not described.
  const std::vector<std::pair<std::string, std::string>> outputs = {
      {"dx", "float32[3, 4]"}, {"dgamma", "float32[4]"}, {"dbeta", "float32[4]"}};
  EXPECT_EQ(node.outputs, outputs);
  EXPECT_EQ(parsed.outputs[3].output, "dgamma");
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
  const std::string text = dump(graph);
  const cli::GraphText parsed = cli::parse_graph(text);
  EXPECT_TRUE(contains(parsed.wrong, "node \"b\" (Add): something is connected to its input \"x3\"")) << text;
  ASSERT_EQ(parsed.nodes.size(), 4U);
  EXPECT_TRUE(contains(text, "\"number 5\"")) << text;
  EXPECT_TRUE(contains(text, "  input \"x2\" none\n")) << text;
  EXPECT_TRUE(contains(text, "  input \"in\" 2 \"out\"\n") || contains(text, "  input \"in\" 3 \"out\"\n")) << text;
  EXPECT_TRUE(contains(cli::to_text(parsed), "wrong: node \"b\" (Add)"));
  // And nothing at all.
  EXPECT_EQ(cli::parse_graph(dump(ge::Graph())).nodes.size(), 0U);
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
  const std::string text = dump(graph);
  for (const char* line :
       {"  attr \"dst_type\" \"0\"\n", "  attr \"float\" \"0.500000\"\n", "  attr \"flag\" \"true\"\n",
        "  attr \"text\" \"a\\x09b\"\n", "  attr \"list\" \"[1, 2]\"\n", "  attr \"dtype\" \"float16\"\n",
        "  attr \"tensor\" \"float32[2], 8 bytes\"\n", "  output \"y\" \"bfloat16[-1, 4]\"\n",
        "  output \"y\" \"float32[-1, 4]\"\n"}) {
    EXPECT_TRUE(contains(text, line)) << line << text;
  }
  EXPECT_TRUE(contains(cli::to_text(cli::parse_graph(text)), "text=a\\x09b"));
}

TEST(GraphDumps, NamesThatEndInTxtStayAsTheyAre) {
  const Folder folder;
  const std::string name = folder / "graph.txt";
  EXPECT_EQ(ge::aclgrphDumpGraph(ge::Graph(), name.c_str(), name.size()), ge::GRAPH_SUCCESS);
  EXPECT_TRUE(fs::exists(name));
}

const char* const head = "alng graph 1\ngraph \"g\"\n";
const char* const nodes = "node 0 \"Data\" \"a\"\n  output \"y\" \"float32[2]\"\nnode 1 \"Cast\" \"b\"\n";

std::string refusal(const std::string& text) {
  try {
    cli::parse_graph(text);
  } catch (const cli::Failure& failure) {
    return failure.what();
  }
  return "read";
}

TEST(GraphTexts, AreReadToTheLetter) {
  const cli::GraphText graph =
      cli::parse_graph(std::string(head) + nodes +
                       "  attr \"k\" \"\\x00\\\\\\\"\"\r\n\n  input \"x\" 0 \"y\"\n  open \"z\" "
                       "\"int32[]\"\nin 0\nout 1 \"w\"\n  output \"w\" \"?\"");
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(graph.nodes[1].attributes[0].second, std::string("\0\\\"", 3));
  EXPECT_EQ(graph.nodes[1].inputs[0].source->output, "y");
  EXPECT_EQ(graph.nodes[1].inputs[1].tensor, "int32[]");
  EXPECT_EQ(graph.outputs[0].node, 1U);
  EXPECT_EQ(cli::to_text(graph),
            "graph \"g\": 2 nodes, 1 input, 1 output\n\n"
            "#0 Data \"a\"\n  y  -> float32[2]\n\n"
            "#1 Cast \"b\"  k=\\x00\\\"\n  x  <- #0 \"a\" y: float32[2]\n  z  <- not connected, int32[]\n  w  -> ?\n\n"
            "input 0: #0 \"a\"\noutput 0: #1 \"b\" w: ?\n");
}

TEST(GraphTexts, AreDrawnWithEscapes) {
  const std::string dot = cli::to_dot(cli::parse_graph(
      "alng graph 1\ngraph \"\\\"; }\"\nnode 0 \"T\" \"a\\\\N\\x0a\"\noutput \"y\" \"f\"\nin 0\nout 0 \"y\"\n"));
  EXPECT_EQ(dot,
            "digraph \"\\\"; }\" {\n  rankdir=TB;\n  node [shape=box];\n"
            "  n0 [label=\"T\\na\\\\N\\\\x0a\", style=rounded];\n"
            "  out0 [label=\"output 0\", shape=plaintext];\n  n0 -> out0 [taillabel=\"y\", label=\"f\"];\n}\n");
}

TEST(GraphTexts, OfOthersAreRefusedByLine) {
  const std::string h = head, n = h + nodes;
  const std::string none = "line 1: \"alng graph 1\" is expected: the file is none that aclgrphDumpGraph wrote";
  EXPECT_EQ(refusal(""), none);
  EXPECT_EQ(refusal("ir_version: 4\n"), none);
  EXPECT_EQ(refusal(std::string(100, '\0')), none);
  EXPECT_EQ(refusal("alng graph\n"), "line 1: a number is expected");
  EXPECT_EQ(refusal("alng graph 2\n"), "line 1: the format has version 2 but this alng reads version 1");
  EXPECT_EQ(refusal("alng graph 1 1\n"), "line 1: nothing more is expected behind it than alng has");
  EXPECT_EQ(refusal("alng graph 1\n"), "line 2: graph \"NAME\" is expected");
  EXPECT_EQ(refusal("alng graph 1\ngraph g\n"), "line 2: a text in quotes is expected");
  EXPECT_EQ(refusal("alng graph 1\ngraph \"g\n"), "line 2: the text has no closing quote");
  EXPECT_EQ(refusal("alng graph 1\ngraph \"g\\n\"\n"),
            "line 2: a backslash must be followed by \", \\, or x and two digits");
  EXPECT_EQ(refusal("alng graph 1\ngraph \"g\\x4\"\n"),
            "line 2: a backslash must be followed by \", \\, or x and two digits");
  EXPECT_EQ(refusal("alng graph 1\ngraph \"g\\"),
            "line 2: a backslash must be followed by \", \\, or x and two digits");
  EXPECT_EQ(refusal(h + "knot 0\n"), "line 3: wrong, node, attr, open, input, output, in or out is expected");
  EXPECT_EQ(refusal(h + "input \"x\" none\n"), "line 3: input stands before the first node");
  EXPECT_EQ(refusal(h + "node 1 \"T\" \"n\"\n"), "line 3: node 0 is expected here, not 1");
  EXPECT_EQ(refusal(h + "node -1 \"T\" \"n\"\n"), "line 3: a number is expected");
  EXPECT_EQ(refusal(h + "node 99999999999999999999 \"T\" \"n\"\n"), "line 3: a number is expected");
  EXPECT_EQ(refusal(h + "node 0 \"T\"\n"), "line 3: a text in quotes is expected");
  EXPECT_EQ(refusal(n + "input \"x\" 2 \"y\"\n"), "line 6: there is no node 2: there are 2");
  EXPECT_EQ(refusal(n + "input \"x\" 0 \"z\"\n"), "read");
  EXPECT_EQ(refusal(n + "input \"x\" nothing\n"), "line 6: a number is expected");
  EXPECT_EQ(refusal(n + "in 7\n"), "line 6: there is no node 7: there are 2");
  EXPECT_EQ(refusal(n + "out 1 \"y\"\n"), "line 6: node 1 has no output of that name");
  EXPECT_EQ(refusal(n + "out 0 \"y\" \"y\"\n"), "line 6: nothing more is expected behind it than out has");
  EXPECT_EQ(refusal(n + "out 0 \"y\"\n"), "read");
  // Of a graph that is wrong, outputs that are none are shown.
  EXPECT_EQ(refusal(n + "wrong \"why\"\nout 1 \"y\"\n"), "read");
  EXPECT_EQ(refusal(n + "wrong \"why\"\nout 2 \"y\"\n"), "line 7: there is no node 2: there are 2");
}

}  // namespace
}  // namespace alng::test
