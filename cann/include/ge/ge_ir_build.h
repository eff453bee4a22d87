// Graphs as files: readable text here; offline models are CANN's alone. C++14.
#ifndef ALNG_CANN_GE_GE_IR_BUILD_H
#define ALNG_CANN_GE_GE_IR_BUILD_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/graph.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

// An offline model's bytes.
struct ModelBufferData {
  std::shared_ptr<uint8_t> data = nullptr;
  uint64_t length = 0;
};

// Succeeds, whatever the options.
GE_FUNC_VISIBILITY graphStatus aclgrphBuildInitialize(const std::map<AscendString, AscendString>& options);
inline graphStatus aclgrphBuildInitialize(const std::map<std::string, std::string>&) {
  return aclgrphBuildInitialize(std::map<AscendString, AscendString>());
}
GE_FUNC_VISIBILITY void aclgrphBuildFinalize();
// Always refused: an offline model holds an Ascend processor's instructions, which nobody here can make. A graph that
// is wrong is refused for what is wrong with it.
GE_FUNC_VISIBILITY graphStatus aclgrphBuildModel(const Graph& graph,
                                                 const std::map<AscendString, AscendString>& options,
                                                 ModelBufferData& model);
inline graphStatus aclgrphBuildModel(const Graph& graph, const std::map<std::string, std::string>&,
                                     ModelBufferData& model) {
  return aclgrphBuildModel(graph, std::map<AscendString, AscendString>(), model);
}
// Writes the bytes of a model to `output_file` + ".om". Refused where there are none.
GE_FUNC_VISIBILITY graphStatus aclgrphSaveModel(const char* output_file, const ModelBufferData& model);
inline graphStatus aclgrphSaveModel(const std::string& output_file, const ModelBufferData& model) {
  return aclgrphSaveModel(output_file.c_str(), model);
}

// Writes the graph, right or wrong, as text and for Graphviz to two files: the name that the `len` characters at `file`
// are, without a ".txt" at its end, and ".txt" and ".dot" behind it. Both are made whole or stay as they were.
GE_FUNC_VISIBILITY graphStatus aclgrphDumpGraph(const Graph& graph, const char* file, const size_t len);

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
