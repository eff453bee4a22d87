// A graph that was found right: nodes in an order in which each comes behind those it reads.
#ifndef ALNG_CANN_GE_CHECKED_GRAPH_H
#define ALNG_CANN_GE_CHECKED_GRAPH_H

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ge/graph_impl.h"
#include "ge/node_kind.h"

namespace alng::cann::engine {

class CheckedGraph {
 public:
  /// Follows the connections back from the outputs. Refusals name the node: an operator type that there is none of, an
  /// input that is not connected, that the kind has not, or that comes from an output that is none; a cycle; an
  /// op::Data that no tensor of a run belongs to; and whatever is wrong with dtypes and shapes as far as they are
  /// known.
  static Result<std::shared_ptr<const CheckedGraph>> create(const ge::Graph& graph);

  const std::string& name() const { return name_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  std::size_t value_count() const { return value_count_; }
  /// For each tensor of a run the node that it feeds, or `nothing` where no output needs it.
  const std::vector<std::size_t>& fed() const { return fed_; }
  /// What is known of a run's tensors.
  const std::vector<TensorSpec>& told() const { return told_; }
  /// Labels of the nodes that a run's tensors belong to.
  const std::vector<std::string>& fed_labels() const { return fed_labels_; }
  /// Values.
  const std::vector<std::size_t>& outputs() const { return outputs_; }
  /// Of all values, as far as they are known without a run.
  const std::vector<TensorSpec>& specs() const { return specs_; }
  /// Bytes of the constants.
  std::size_t constant_bytes() const;

  /// Of all values, for a run with these tensors.
  Result<std::vector<TensorSpec>> infer(const std::vector<TensorSpec>& fed) const;

  /// The specs that `node` reads, among those of all values.
  static InputSpecs inputs_of(const Node& node, const std::vector<TensorSpec>& specs);

  /// Of an operator of the graph that this was made of its first value, or `nothing`. For who still has that graph.
  std::size_t first_value_of(const ge::OperatorImpl* op) const;

 private:
  class Maker;
  std::string name_;
  std::vector<Node> nodes_;
  std::size_t value_count_ = 0;
  std::vector<std::size_t> fed_;
  std::vector<TensorSpec> told_;
  std::vector<std::string> fed_labels_;
  std::vector<std::size_t> outputs_;
  std::vector<TensorSpec> specs_;
  std::map<const ge::OperatorImpl*, std::size_t> places_;
};

}  // namespace alng::cann::engine

#endif
