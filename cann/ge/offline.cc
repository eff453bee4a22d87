// Offline models: none can be made here, and that is said.
#include <string>

#include "ge/checked_graph.h"
#include "ge/file.h"
#include "ge/ge_ir_build.h"
#include "ge/message.h"

namespace ge {
namespace {

using alng::cann::engine::guarded;
using alng::cann::engine::refused;
using alng::cann::engine::write_files;

}  // namespace

graphStatus aclgrphBuildInitialize(const std::map<AscendString, AscendString>&) { return GRAPH_SUCCESS; }

void aclgrphBuildFinalize() {}

graphStatus aclgrphBuildModel(const Graph& graph, const std::map<AscendString, AscendString>&, ModelBufferData&) {
  return guarded("aclgrphBuildModel", [&]() -> alng::Status {
    const auto checked = alng::cann::engine::CheckedGraph::create(graph);
    if (!checked) return checked.status();
    return refused(
        "an offline model holds an Ascend processor's instructions, which cannot be made here; ge::Session runs the "
        "graph");
  });
}

graphStatus aclgrphSaveModel(const char* output_file, const ModelBufferData& model) {
  return guarded("aclgrphSaveModel", [&]() -> alng::Status {
    if (output_file == nullptr) return refused("output_file is null but must be a file's name");
    if (model.data == nullptr || model.length == 0) return refused("the model is empty");
    const std::string names[] = {std::string(output_file) + ".om"};
    return write_files(names, [&model] {
      const auto* const bytes = reinterpret_cast<const char*>(model.data.get());
      return std::vector<std::string>{std::string(bytes, static_cast<size_t>(model.length))};
    });
  });
}

}  // namespace ge
