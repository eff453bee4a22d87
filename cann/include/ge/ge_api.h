// The engine: sessions that graphs are run in. C++14.
#ifndef ALNG_CANN_GE_GE_API_H
#define ALNG_CANN_GE_GE_API_H

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ge/ge_api_types.h"
#include "ge/ge_graph_compile_summary.h"
#include "graph/ascend_string.h"
#include "graph/graph.h"
#include "graph/tensor.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

class SessionImpl;

inline std::map<AscendString, AscendString> AscendOptions(const std::map<std::string, std::string>& options) {
  std::map<AscendString, AscendString> out;
  for (const auto& option : options) out[option.first.c_str()] = option.second.c_str();
  return out;
}

// Before all sessions. Options that are not named in ge_api_types.h are accepted without effect. Called again, it
// succeeds and changes nothing.
GE_FUNC_VISIBILITY Status GEInitialize(const std::map<AscendString, AscendString>& options);
inline Status GEInitialize(const std::map<std::string, std::string>& options) {
  return GEInitialize(AscendOptions(options));
}

// Waits for what sessions were asked to run; sessions made before refuse all calls from then on. Succeeds also where
// GEInitialize was not called.
GE_FUNC_VISIBILITY Status GEFinalize();

// Why the calling thread's latest failed call failed: one sentence. Reading it consumes it; empty where there is none.
GE_FUNC_VISIBILITY AscendString GEGetErrorMsgV2();
// The same of what was done but looks like a mistake: one sentence to a line.
GE_FUNC_VISIBILITY AscendString GEGetWarningMsgV2();
inline std::string GEGetErrorMsg() { return GEGetErrorMsgV2().GetString(); }
inline std::string GEGetWarningMsg() { return GEGetWarningMsgV2().GetString(); }

// Graphs under numbers. Every call may be made from several threads at once.
class GE_FUNC_VISIBILITY Session {
 public:
  explicit Session(const std::map<AscendString, AscendString>& options);
  explicit Session(const std::map<std::string, std::string>& options) : Session(AscendOptions(options)) {}
  // Waits for what RunGraphAsync was asked for.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Judges the graph and keeps what it is now under `graph_id`, which must be free.
  Status AddGraph(uint32_t graph_id, const Graph& graph);
  Status AddGraph(uint32_t graph_id, const Graph& graph, const std::map<AscendString, AscendString>& options);
  Status AddGraph(uint32_t graph_id, const Graph& graph, const std::map<std::string, std::string>& options) {
    return AddGraph(graph_id, graph, AscendOptions(options));
  }
  // Runs that were begun or asked for go on.
  Status RemoveGraph(uint32_t graph_id);

  // Makes ready for runs: where all shapes are known, completely.
  Status CompileGraph(uint32_t graph_id);
  // Makes ready for runs with tensors of these types and shapes.
  Status BuildGraph(uint32_t graph_id, const std::vector<InputTensorInfo>& inputs);
  Status BuildGraph(uint32_t graph_id, const std::vector<Tensor>& inputs);
  // Null where the graph was not compiled, built or run, or there is none.
  CompiledGraphSummaryPtr GetCompiledGraphSummary(uint32_t graph_id);

  // Runs a graph. `inputs`: one tensor for each op::Data of Graph::SetInputs, in that order; they are read where they
  // lie and must not be written to meanwhile. `outputs`: becomes new tensors in the order of Graph::SetOutputs; after a
  // failure it is as it was.
  Status RunGraph(uint32_t graph_id, const std::vector<Tensor>& inputs, std::vector<Tensor>& outputs);
  // The same later, one after another in the order of the calls. Only what is known at once is answered at once; then
  // `callback` is not called.
  Status RunGraphAsync(uint32_t graph_id, const std::vector<Tensor>& inputs, RunAsyncCallback callback);

 private:
  std::shared_ptr<SessionImpl> impl_;
};

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
