// Graph: operators that are connected, with inputs and outputs. C++14.
#ifndef ALNG_CANN_GRAPH_GRAPH_H
#define ALNG_CANN_GRAPH_GRAPH_H

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/ascend_string.h"
#include "graph/ge_error_codes.h"
#include "graph/operator.h"

// NOLINTBEGIN(readability-identifier-naming): the names are CANN's

namespace ge {

class GraphImpl;

// Copies are the same graph. It holds its operators; what a session was given is not changed by what happens to the
// graph afterwards.
class GE_FUNC_VISIBILITY Graph {
 public:
  // A graph with an empty name.
  Graph() : Graph("") {}
  // `name`: for messages and dumps; of null, empty.
  explicit Graph(const char* name);
  explicit Graph(const std::string& name) : Graph(name.c_str()) {}

  // The operators that data comes in by, in the order of a run's tensors: op::Data, each once. An op::Const among them
  // takes no tensor. Replaces what was set before.
  Graph& SetInputs(const std::vector<Operator>& inputs);
  // All outputs of these operators, in the order of their declarations. Replaces what was set before.
  Graph& SetOutputs(const std::vector<Operator>& outputs);
  // The outputs with these indices; without indices, all.
  Graph& SetOutputs(const std::vector<std::pair<Operator, std::vector<size_t>>>& outputs);
  // The outputs with these names; with an empty name, all.
  Graph& SetOutputs(const std::vector<std::pair<Operator, AscendString>>& outputs);
  Graph& SetOutputs(const std::vector<std::pair<Operator, std::string>>& outputs) {
    std::vector<std::pair<Operator, AscendString>> named;
    for (const auto& output : outputs) named.emplace_back(output.first, AscendString(output.second.c_str()));
    return SetOutputs(named);
  }

  // An operator that FindOpByName shall know; those that the outputs are computed of belong to the graph anyway.
  Graph& AddOp(const Operator& op);
  // The first operator of this name; GRAPH_FAILED where there is none.
  graphStatus FindOpByName(const char* name, Operator& op) const;
  graphStatus FindOpByName(const std::string& name, Operator& op) const { return FindOpByName(name.c_str(), op); }
  graphStatus GetAllOpName(std::vector<AscendString>& names) const;

  graphStatus GetName(AscendString& name) const;
  std::string GetName() const {
    AscendString name;
    GetName(name);
    return name.GetString();
  }
  // Whether anything was set or added. What is wrong with a graph is told where it is added to a session.
  bool IsValid() const;

 private:
  friend class GraphImpl;
  std::shared_ptr<GraphImpl> impl_;
};

}  // namespace ge

// NOLINTEND(readability-identifier-naming)

#endif
