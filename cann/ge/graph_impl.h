// A graph as the program builds it.
#ifndef ALNG_CANN_GE_GRAPH_IMPL_H
#define ALNG_CANN_GE_GRAPH_IMPL_H

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace ge {

// Outputs of one operator, as SetOutputs has them.
struct GraphOutput {
  Operator op;
  // Nothing and no indices: all.
  std::optional<std::string> name;
  std::vector<size_t> indices;
};

class GraphImpl {
 public:
  explicit GraphImpl(std::string of_name) : name(std::move(of_name)) {}
  static const GraphImpl& of(const Graph& graph) { return *graph.impl_; }

  // Every operator of the graph, those added first, then what inputs and outputs lead to; each once, right or wrong.
  std::vector<std::shared_ptr<OperatorImpl>> all() const;

  std::string name;
  std::vector<Operator> inputs;
  std::vector<GraphOutput> outputs;
  std::vector<Operator> added;
};

}  // namespace ge

#endif
