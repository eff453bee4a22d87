// Random graphs: each is refused with a sentence, or gives what its nodes give one by one. And what aclgrphDumpGraph
// writes of it says whether it is right.
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "check.h"
#include "ge/ge_ir_build.h"
#include "graph_world.h"

namespace alng::fuzz {
namespace {

using Options = std::map<ge::AscendString, ge::AscendString>;

bool succeeded(ge::Status status) {
  const bool has_sentence = std::strlen(ge::GEGetErrorMsgV2().GetString()) > 0;
  ALNG_FUZZ_CHECK(status == ge::SUCCESS || status == ge::FAILED);
  ALNG_FUZZ_CHECK((status == ge::FAILED) == has_sentence);
  return status == ge::SUCCESS;
}

void compare(const std::vector<ge::Tensor>& got, const std::vector<ge::Tensor>& expected) {
  ALNG_FUZZ_CHECK(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ALNG_FUZZ_CHECK(got[i].GetTensorDesc().GetDataType() == expected[i].GetTensorDesc().GetDataType());
    ALNG_FUZZ_CHECK(got[i].GetTensorDesc().GetShape().GetDims() == expected[i].GetTensorDesc().GetShape().GetDims());
    ALNG_FUZZ_CHECK(got[i].GetSize() == expected[i].GetSize());
    ALNG_FUZZ_CHECK(got[i].GetSize() == 0 ||
                    std::memcmp(got[i].GetData(), expected[i].GetData(), got[i].GetSize()) == 0);
  }
}

void check_dump(const ge::Graph& graph, bool right) {
  const std::string name = "/tmp/alng_fuzz_graph_" + std::to_string(::getpid());
  ALNG_FUZZ_CHECK(ge::aclgrphDumpGraph(graph, name.c_str(), name.size()) == ge::GRAPH_SUCCESS);
  std::string texts[2];
  for (const bool dot : {false, true}) {
    const std::string file = name + (dot ? ".dot" : ".txt");
    std::ifstream stream(file, std::ios::binary);
    texts[dot] = {std::istreambuf_iterator<char>(stream), {}};
    std::remove(file.c_str());
  }
  ALNG_FUZZ_CHECK((texts[0].find("\nwrong: ") == std::string::npos) == right);
  ALNG_FUZZ_CHECK(texts[1].rfind("digraph \"", 0) == 0 && texts[1].substr(texts[1].size() - 2) == "}\n");
}

void run(Bytes& bytes) {
  const bool later = bytes.one_in(4), prepare = bytes.one_in(4);
  const GraphWorld world(bytes);
  std::vector<ge::Tensor> outputs, again;
  {
    ge::Session session(Options{});
    succeeded(ge::SUCCESS);
    const bool right = succeeded(session.AddGraph(0, world.graph()));
    check_dump(world.graph(), right);
    if (!right) return;
    succeeded(session.CompileGraph(0));
    const bool built = prepare && succeeded(session.BuildGraph(0, world.feeds()));
    const bool ran = succeeded(session.RunGraph(0, world.feeds(), outputs));
    ALNG_FUZZ_CHECK(ran || !built);
    if (!ran) return;
    // Again, in memory that is used before; perhaps on another thread.
    if (later) {
      const auto keep = [&again](ge::Status status, std::vector<ge::Tensor>& late) {
        if (succeeded(status)) again = late;
      };
      ALNG_FUZZ_CHECK(succeeded(session.RunGraphAsync(0, world.feeds(), keep)));
      ALNG_FUZZ_CHECK(succeeded(session.RemoveGraph(0)));
    } else {
      ALNG_FUZZ_CHECK(succeeded(session.RunGraph(0, world.feeds(), again)));
    }
  }
  // The session's end has waited for what was asked for later.
  compare(again, outputs);
  if (world.exact()) compare(outputs, world.node_by_node());
}

}  // namespace
}  // namespace alng::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alng::fuzz;  // NOLINT(google-build-using-namespace): the door of this file
  ALNG_FUZZ_CHECK(ge::GEInitialize(Options{}) == ge::SUCCESS);
  ge::GEGetErrorMsgV2();
  Bytes bytes({data, size});
  run(bytes);
  ALNG_FUZZ_CHECK(ge::GEFinalize() == ge::SUCCESS);
  return 0;
}
