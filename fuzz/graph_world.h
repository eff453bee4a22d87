// A graph of random nodes, built as programs build them, with notes of what it is: so that it can be computed node by
// node and compared.
#ifndef ALNG_FUZZ_GRAPH_WORLD_H
#define ALNG_FUZZ_GRAPH_WORLD_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ascend/op_graph/add_layer_norm_grad_proto.h"
#include "bytes.h"
#include "ge/ge_api.h"
#include "graph/array_ops.h"
#include "graph/elewise_calculation_ops.h"
#include "graph/graph.h"

namespace alng::fuzz {

/// What a value is good for.
enum class Role { full, statistic, scale, gradient };

struct Value {
  std::size_t node;
  std::uint32_t output;
  Role role;
};

struct MadeNode {
  ge::Operator op;
  /// Of an op::Data the tensor it is fed with, of an op::Const its value.
  std::optional<ge::Tensor> tensor;
  /// Of an op::Data its place among the feeds.
  std::optional<std::size_t> feed;
  struct Input {
    const char* name;
    Value from;
  };
  std::vector<Input> inputs;
};

class GraphWorld {
 public:
  /// Mostly a right graph; every kind of mistake now and then.
  explicit GraphWorld(Bytes& bytes);

  const ge::Graph& graph() const { return graph_; }
  /// Tensors for a run; mostly the right ones.
  const std::vector<ge::Tensor>& feeds() const { return feeds_; }
  /// Whether the notes are of the graph as it is: not after connections were changed.
  bool exact() const { return exact_; }
  /// The graph's outputs by the notes, each node computed in a graph of its own. For a graph that was run.
  std::vector<ge::Tensor> node_by_node() const;

 private:
  using Dims = std::vector<std::int64_t>;
  void add_data(Role role);
  void add_const();
  void add_sum();
  void add_cast();
  void add_layer_norm_grad();
  void add_wrong();
  void connect(MadeNode& node, const char* input, std::optional<Value> from);
  void finish();
  std::optional<Value> pick(Role role);
  ge::Tensor random_tensor(Role role);
  std::string name();

  Bytes& bytes_;
  ge::DataType dtype_;
  std::int64_t rows_;
  std::int64_t columns_;
  bool exact_ = true;
  std::vector<MadeNode> nodes_;
  std::vector<Value> values_;
  std::vector<Value> outputs_;
  std::vector<ge::Tensor> feeds_;
  ge::Graph graph_{"fuzzed"};
};

}  // namespace alng::fuzz

#endif
