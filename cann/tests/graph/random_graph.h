// Random graphs, with what each of their values must be: every node computed by a graph of its own.
#ifndef ALNG_TESTS_CANN_GRAPH_RANDOM_GRAPH_H
#define ALNG_TESTS_CANN_GRAPH_RANDOM_GRAPH_H

#include <random>
#include <vector>

#include "cann/tests/graph/graph_run.h"

namespace alng::test {

/// Sums, casts and gradients of each other; many nodes read a value twice or more. The engine must be on.
class RandomGraph {
 public:
  explicit RandomGraph(std::uint32_t seed);

  struct Value {
    ge::Operator op;
    std::uint32_t index;
    ge::Tensor tensor;
  };
  Feeds feeds;
  std::vector<Value> values;
  std::vector<std::size_t> outputs;  // values, some more than once
  ge::Graph graph{"random"};

 private:
  using Inputs = std::vector<std::pair<const char*, std::size_t>>;  // ports and values

  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  Dims dims(std::size_t value) const { return values[value].tensor.GetTensorDesc().GetShape().GetDims(); }
  ge::DataType dtype(std::size_t value) const { return values[value].tensor.GetTensorDesc().GetDataType(); }
  /// One of these dims and dtype; often the one that was picked before.
  std::size_t pick(const Dims& dims, ge::DataType dtype);
  void feed(ge::DataType dtype, const Dims& dims);
  template <class Node>
  void add(Node node, Node alone, const Inputs& inputs);
  void add_sum();
  void add_cast();
  void add_gradient();

  std::mt19937 random_;
  std::size_t before_ = 0;
};

}  // namespace alng::test

#endif
