// Wrong graphs, wrong runs, wrong calls: each is refused with its sentence, and the session is none the worse for it.
#include <gtest/gtest.h>

#include <cstring>
#include <ostream>

#include "alng_cann.h"
#include "cann/tests/graph/wrong_graphs.h"
#include "ge_ir_build.h"
#include "operator/case_list.h"

namespace alng::test {

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

namespace {

using Outputs = std::vector<std::pair<ge::Operator, std::vector<std::size_t>>>;
using NamedOutputs = std::vector<std::pair<ge::Operator, std::string>>;

class WrongGraphs : public testing::TestWithParam<Wrong> {};

TEST_P(WrongGraphs, AreRefusedWithTheNodesName) {
  const Engine engine;
  ge::Session session(Options{});
  Scene scene;
  GetParam().spoil(scene);
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  EXPECT_EQ(session.AddGraph(7, scene.graph), ge::FAILED);
  const std::string sentence = recent_sentence();
  EXPECT_EQ(sentence.rfind("AddGraph: graph 7 \"g\": ", 0), 0U) << sentence;
  EXPECT_NE(sentence.find(GetParam().sentence), std::string::npos) << sentence;
  EXPECT_EQ(recent_sentence(), "") << "reading consumes it";

  // An offline build is refused for the same reason.
  ge::ModelBufferData model;
  expect_refused(ge::aclgrphBuildModel(scene.graph, Options{}, model), GetParam().sentence);

  // The number is still free, and a right graph works.
  Scene right;
  right.graph.SetInputs(right.feeds.operators).SetOutputs(right.outputs);
  ASSERT_EQ(session.AddGraph(7, right.graph), ge::SUCCESS) << recent_sentence();
  std::vector<ge::Tensor> outputs;
  ASSERT_EQ(session.RunGraph(7, right.feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
  const auto expected = right.problem.expected();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(floats(outputs[i]), expected[i]);
}

INSTANTIATE_TEST_SUITE_P(Table, WrongGraphs, testing::ValuesIn(wrong_graphs()),
                         [](const auto& which) { return which.param.name; });

TEST(WrongGraphTable, IsLong) { EXPECT_GE(wrong_graphs().size(), 30U); }

TEST(GraphMisuse, OutputsThatANodeHasNot) {
  const Engine engine;
  ge::Session session(Options{});
  Scene scene;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(Outputs{{scene.grad, {3}}});
  expect_refused(session.AddGraph(0, scene.graph),
                 "node \"grad\" (AddLayerNormGrad): its output number 3 is to be one of the graph's, but "
                 "its outputs are dx, dgamma, dbeta");
  scene.graph.SetOutputs(NamedOutputs{{scene.grad, "dsum"}});
  expect_refused(session.AddGraph(0, scene.graph), "its output \"dsum\" is to be one of the graph's");
}

TEST(GraphMisuse, ALongCycleIsToldInPart) {
  const Engine engine;
  ge::Session session(Options{});
  Feeds feeds;
  const auto data = feeds.add("data", tensor({1}, {1}));
  ge::op::Add first("first");
  first.set_input_x1(data);
  ge::Operator at = first;
  for (int i = 0; i < 100; ++i) at = ge::op::Add(std::to_string(i)).set_input_x1(at).set_input_x2(data);
  first.set_input_x2(at);
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{at});
  EXPECT_EQ(session.AddGraph(0, graph), ge::FAILED);
  const std::string sentence = recent_sentence();
  EXPECT_NE(sentence.find("needs ... needs \"99\"; a graph must have no cycle"), std::string::npos) << sentence;
  EXPECT_LT(sentence.size(), 400U);
}

// What only a run can show.
TEST(GraphMisuse, TensorsThatDoNotFit) {
  const Engine engine;
  ge::Session session(Options{});
  Scene scene;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  ASSERT_EQ(session.AddGraph(0, scene.graph), ge::SUCCESS) << recent_sentence();
  const auto refused = [&](const std::vector<ge::Tensor>& inputs) {
    std::vector<ge::Tensor> outputs(2, tensor({1}, {42}));
    EXPECT_EQ(session.RunGraph(0, inputs, outputs), ge::FAILED);
    EXPECT_EQ(outputs.size(), 2U) << "outputs stay as they were";
    EXPECT_EQ(floats(outputs[1]), std::vector<float>{42});
    const std::string sentence = recent_sentence();
    EXPECT_EQ(session.BuildGraph(0, inputs), ge::FAILED);
    EXPECT_EQ(recent_sentence().substr(std::strlen("BuildGraph")), sentence.substr(std::strlen("RunGraph")));
    return sentence;
  };
  std::vector<ge::Tensor> inputs = scene.feeds.tensors;
  inputs.pop_back();
  EXPECT_EQ(refused(inputs),
            "RunGraph: graph 0 \"g\": 6 tensors are given but the graph takes 7, one for each Data of its inputs");
  inputs = scene.feeds.tensors;
  inputs[1] = tensor({3, 5}, std::vector<float>(15));
  EXPECT_EQ(
      refused(inputs),
      "RunGraph: graph 0 \"g\": tensor 1 is float32[3, 5] but node \"grad.x1\" (Data) is described as float32[3, 4]");
  inputs[1] = tensor(ge::DT_FLOAT16, {3, 4}, std::vector<std::byte>(24));
  EXPECT_EQ(
      refused(inputs),
      "RunGraph: graph 0 \"g\": tensor 1 is float16[3, 4] but node \"grad.x1\" (Data) is described as float32[3, 4]");
  inputs[1] = tensor({3, 4}, std::vector<float>(11));
  EXPECT_EQ(refused(inputs),
            "RunGraph: graph 0 \"g\": tensor 1 (node \"grad.x1\" (Data)) holds 44 bytes but float32[3, 4] takes 48");
  inputs[1] = ge::Tensor();
  EXPECT_EQ(refused(inputs),
            "RunGraph: graph 0 \"g\": tensor 1 (node \"grad.x1\" (Data)) holds 0 bytes but float32[] takes 4");
  inputs[1] = ge::Tensor(desc(ge::DT_FLOAT, {3, -1}));
  EXPECT_EQ(refused(inputs),
            "RunGraph: graph 0 \"g\": tensor 1 (node \"grad.x1\" (Data)) is float32[3, -1] but a tensor's dtype and "
            "extents must be known");
}

TEST(GraphMisuse, MemoryBetweenTwoElements) {
  const Engine engine;
  Scene scene;
  std::vector<std::uint8_t> memory(49);
  ge::Tensor odd(desc(ge::DT_FLOAT, {3, 4}));
  ASSERT_EQ(odd.SetData(memory.data() + 1, 48, nullptr), ge::GRAPH_SUCCESS);
  scene.feeds.tensors[0] = odd;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  ge::Session session(Options{});
  ASSERT_EQ(session.AddGraph(0, scene.graph), ge::SUCCESS);
  std::vector<ge::Tensor> outputs;
  expect_refused(session.RunGraph(0, scene.feeds.tensors, outputs), "node \"grad\" (AddLayerNormGrad): ");
}

TEST(GraphMisuse, ShapesThatMeetAtTheRunOnly) {
  const Engine engine;
  ge::Session session(Options{});
  Scene scene;
  for (ge::Operator& op : scene.feeds.operators) {
    op.UpdateInputDesc("x", ge::TensorDesc(ge::Shape({ge::UNKNOWN_DIM_NUM}), ge::FORMAT_ND, ge::DT_UNDEFINED));
  }
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  ASSERT_EQ(session.AddGraph(0, scene.graph), ge::SUCCESS) << recent_sentence();
  scene.feeds.tensors[2] = tensor({4, 3}, std::vector<float>(12));
  std::vector<ge::Tensor> outputs;
  expect_refused(session.RunGraph(0, scene.feeds.tensors, outputs),
                 "RunGraph: graph 0 \"g\": node \"grad\" (AddLayerNormGrad): x2 is float32[4, 3] but");
  scene.feeds.tensors[2] = tensor(ge::DT_BF16, {3, 4}, std::vector<std::byte>(24));
  expect_refused(session.RunGraph(0, scene.feeds.tensors, outputs),
                 "x2 is bfloat16[3, 4] but must be float32, the dtype of dy");
}

TEST(GraphMisuse, GraphsThatAreNotThereOrAlreadyThere) {
  const Engine engine;
  ge::Session session(Options{});
  Scene scene;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  std::vector<ge::Tensor> outputs;
  const std::string none = "there is no graph 3 in the session";
  expect_sentence(session.RunGraph(3, {}, outputs), "RunGraph: " + none);
  expect_sentence(session.CompileGraph(3), "CompileGraph: " + none);
  expect_sentence(session.BuildGraph(3, std::vector<ge::InputTensorInfo>{}), "BuildGraph: " + none);
  expect_sentence(session.RemoveGraph(3), "RemoveGraph: " + none);
  expect_sentence(session.RunGraphAsync(3, {}, [](ge::Status, std::vector<ge::Tensor>&) { ADD_FAILURE(); }),
                  "RunGraphAsync: " + none);
  EXPECT_EQ(session.GetCompiledGraphSummary(3), nullptr);
  EXPECT_EQ(session.AddGraph(3, scene.graph), ge::SUCCESS);
  expect_refused(session.AddGraph(3, scene.graph), "there is a graph 3 in the session already");
  expect_sentence(session.RunGraphAsync(3, scene.feeds.tensors, nullptr),
                  "RunGraphAsync: callback is null but must be a function");
  expect_refused(session.RunGraphAsync(3, {}, [](ge::Status, std::vector<ge::Tensor>&) { ADD_FAILURE(); }),
                 "0 tensors are given but the graph takes 7");
  EXPECT_EQ(session.RemoveGraph(3), ge::SUCCESS);
  EXPECT_EQ(session.AddGraph(3, scene.graph), ge::SUCCESS);
}

TEST(GraphMisuse, BuildGraphOfWrongDescriptions) {
  const Engine engine;
  ge::Session session(Options{});
  Feeds feeds;
  const auto a = feeds.add("a", tensor({2}, {1, 2}), desc(ge::DT_FLOAT, {-1}));
  ge::Graph graph("g");
  graph.SetInputs(feeds.operators).SetOutputs(std::vector<ge::Operator>{a});
  ASSERT_EQ(session.AddGraph(0, graph), ge::SUCCESS);
  const auto build = [&](ge::DataType dtype, const Dims& dims) {
    ge::InputTensorInfo info;
    info.data_type = dtype;
    info.dims = dims;
    return session.BuildGraph(0, std::vector<ge::InputTensorInfo>{info});
  };
  EXPECT_EQ(build(ge::DT_FLOAT, {5}), ge::SUCCESS) << recent_sentence();
  expect_refused(build(ge::DT_FLOAT, {-1}),
                 "tensor 0 (node \"a\" (Data)) is float32[-1] but dtype and extents must be known");
  expect_refused(build(ge::DT_FLOAT, {-7}), "has an extent of -7");
  expect_refused(build(ge::DT_FLOAT16, {5}),
                 "tensor 0 is float16[5] but node \"a\" (Data) is described as float32[-1]");
}

TEST(GraphMisuse, SessionsOutsideTheEnginesLife) {
  ge::Session early(Options{});
  Scene scene;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  expect_sentence(early.AddGraph(0, scene.graph),
                  "AddGraph: the session was made before GEInitialize, which must come first");
  ASSERT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
  expect_refused(early.AddGraph(0, scene.graph), "GEInitialize");
  ge::Session session(Options{});
  EXPECT_EQ(session.AddGraph(0, scene.graph), ge::SUCCESS);
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  std::vector<ge::Tensor> outputs;
  expect_sentence(session.RunGraph(0, scene.feeds.tensors, outputs),
                  "RunGraph: the session was made before GEFinalize, which has ended it");
  // A new life does not bring it back.
  const Engine again;
  expect_sentence(session.RunGraph(0, scene.feeds.tensors, outputs),
                  "RunGraph: the session was made before GEFinalize, which has ended it");
}

TEST(GraphMisuse, InitialisedTwiceAndFinalisedTwice) {
  ge::GEGetWarningMsgV2();
  ASSERT_EQ(ge::GEInitialize(Options{{"ge.graphRunMode", "1"}}), ge::SUCCESS);
  ASSERT_EQ(ge::GEInitialize(Options{{"ge.graphRunMode", "1"}}), ge::SUCCESS);
  EXPECT_EQ(ge::GEGetWarningMsg(), "");
  ASSERT_EQ(ge::GEInitialize(Options{}), ge::SUCCESS);
  EXPECT_EQ(ge::GEGetWarningMsg(),
            "GEInitialize: it was called before, with other options, which stay in force until GEFinalize\n");
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(ge::GEGetWarningMsg(), "");
  ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  EXPECT_EQ(ge::GEGetWarningMsg(), "GEFinalize: GEInitialize was not called\n");
  // Many warnings: the oldest go, and what is left are whole lines.
  for (int i = 0; i < 200; ++i) ASSERT_EQ(ge::GEFinalize(), ge::SUCCESS);
  const std::string many = ge::GEGetWarningMsg();
  EXPECT_LT(many.size(), 4096U);
  EXPECT_EQ(many.size() % std::string("GEFinalize: GEInitialize was not called\n").size(), 0U);
}

TEST(GraphMisuse, Options) {
  expect_refused(ge::GEInitialize(Options{{"ge.exec.deviceId", "1000"}}),
                 "GEInitialize: option ge.exec.deviceId is \"1000\" but must be 0 to ");
  for (const char* wrong : {"-1", "", "0x", "one", "0 ", "99999999999"}) {
    EXPECT_EQ(ge::GEInitialize(Options{{"ge.exec.deviceId", wrong}}), ge::FAILED) << wrong;
  }
  recent_sentence();
  expect_sentence(ge::GEInitialize(Options{{"ge.graphRunMode", "2"}}),
                  "GEInitialize: option ge.graphRunMode is \"2\" but must be 0 or 1");
  expect_sentence(ge::GEInitialize(Options{{"ge.deterministic", "yes"}}),
                  "GEInitialize: option ge.deterministic is \"yes\" but must be 0 or 1");
  // Strings and names that nobody knows are fine.
  ASSERT_EQ(ge::GEInitialize(std::map<std::string, std::string>{{"ge.exec.deviceId", "0"},
                                                                {"ge.exec.precision_mode", "allow_fp32_to_fp16"},
                                                                {"ge.socVersion", "Ascend910B"}}),
            ge::SUCCESS)
      << recent_sentence();
  Scene scene;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  ge::Session wrong(std::map<std::string, std::string>{{"ge.exec.deviceId", "9999"}});
  expect_refused(wrong.AddGraph(0, scene.graph), "AddGraph: the session's option ge.exec.deviceId");
  ge::Session session(std::map<std::string, std::string>{{"ge.exec.deviceId", "0"}});
  EXPECT_EQ(session.AddGraph(0, scene.graph, Options{{"ge.exec.deviceId", "-3"}}), ge::FAILED);
  EXPECT_EQ(session.AddGraph(0, scene.graph, std::map<std::string, std::string>{{"ge.exec.deviceId", "0"}}),
            ge::SUCCESS);
  EXPECT_EQ(ge::GEFinalize(), ge::SUCCESS);
  recent_sentence();
}

TEST(GraphMisuse, ProductsAllowWhatTheyHave) {
  const Engine engine;
  ge::Session session(Options{});
  const auto add = [&](ge::DataType dtype, ge::DataType gamma) {
    Scene scene;
    for (const char* name : {"dy", "x1", "x2", "dsum"}) scene.replace(name, {3, 4}, dtype);
    scene.replace("gamma", {4}, gamma);
    scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
    session.RemoveGraph(0);
    recent_sentence();
    return session.AddGraph(0, scene.graph);
  };
  EXPECT_EQ(add(ge::DT_BF16, ge::DT_FLOAT), ge::SUCCESS) << recent_sentence();
  ASSERT_EQ(alngCannSetProduct("Ascend310P3"), 0);
  expect_refused(add(ge::DT_BF16, ge::DT_BF16), "dy is bfloat16[3, 4] but must be float32 or float16 on Ascend310P");
  ASSERT_EQ(alngCannSetProduct("Ascend910B3"), 0);
  EXPECT_EQ(add(ge::DT_BF16, ge::DT_BF16), ge::SUCCESS) << recent_sentence();
  expect_refused(add(ge::DT_BF16, ge::DT_FLOAT),
                 "gamma is float32[4] but must be bfloat16, the dtype of dy on Ascend910B");
  ASSERT_EQ(alngCannSetProduct(nullptr), 0);
}

TEST(GraphMisuse, DataThatNobodyReadsIsWarnedOf) {
  const Engine engine;
  ge::Session session(Options{});
  Scene scene;
  scene.data("idle", {2});
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  ASSERT_EQ(session.AddGraph(4, scene.graph), ge::SUCCESS) << recent_sentence();
  EXPECT_EQ(ge::GEGetWarningMsg(),
            "AddGraph: graph 4: no output needs node \"idle\" (Data); runs must bring its tensor\n");
  std::vector<ge::Tensor> outputs;
  EXPECT_EQ(session.RunGraph(4, scene.feeds.tensors, outputs), ge::SUCCESS) << recent_sentence();
}

TEST(GraphMisuse, FilesThatCanNotBeWritten) {
  Scene scene;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  expect_sentence(ge::aclgrphDumpGraph(scene.graph, nullptr, 4),
                  "aclgrphDumpGraph: file is empty but must be a file's name");
  EXPECT_EQ(ge::aclgrphDumpGraph(scene.graph, "name", 0), ge::GRAPH_FAILED);
  const std::string nowhere = "/nonexistent/folder/graph";
  expect_sentence(ge::aclgrphDumpGraph(scene.graph, nowhere.c_str(), nowhere.size()),
                  "aclgrphDumpGraph: can't write \"/nonexistent/folder/graph.txt\": No such file or directory");
}

TEST(GraphMisuse, OfflineModelsAreRefused) {
  Scene scene;
  scene.graph.SetInputs(scene.feeds.operators).SetOutputs(scene.outputs);
  EXPECT_EQ(ge::aclgrphBuildInitialize(Options{{"soc_version", "Ascend910B"}}), ge::GRAPH_SUCCESS);
  ge::ModelBufferData model;
  expect_sentence(
      ge::aclgrphBuildModel(scene.graph, Options{}, model),
      "aclgrphBuildModel: an offline model holds an Ascend processor's instructions, which cannot be made here; "
      "ge::Session runs the graph");
  expect_sentence(ge::aclgrphSaveModel("model", model), "aclgrphSaveModel: the model is empty");
  expect_sentence(ge::aclgrphSaveModel(static_cast<const char*>(nullptr), model),
                  "aclgrphSaveModel: output_file is null but must be a file's name");
  ge::aclgrphBuildFinalize();
}

}  // namespace
}  // namespace alng::test
