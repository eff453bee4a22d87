// Wrong graphs as a table: what is wrong, and the sentence that must say so.
#ifndef ALNG_TESTS_CANN_GRAPH_WRONG_GRAPHS_H
#define ALNG_TESTS_CANN_GRAPH_WRONG_GRAPHS_H

#include <functional>
#include <string>
#include <vector>

#include "cann/tests/graph/graph_run.h"

namespace alng::test {

/// A valid graph that a test spoils: SmallProblem's node, "grad", fed by Data "grad.dy" and so on.
struct Scene {
  Feeds feeds;
  SmallProblem problem{1};
  ge::op::AddLayerNormGrad grad = problem.node(feeds, "grad");
  ge::Graph graph{"g"};
  std::vector<ge::Operator> outputs{grad};

  ge::op::Data data(const char* name, const Dims& dims, ge::DataType dtype = ge::DT_FLOAT) {
    std::size_t size = static_cast<std::size_t>(ge::GetSizeByDataType(dtype));
    for (const std::int64_t extent : dims) size *= static_cast<std::size_t>(extent);
    return feeds.add(name, tensor(dtype, dims, std::vector<std::byte>(size)));
  }
  /// Replaces an input by one of other dims.
  void replace(const char* input, const Dims& dims, ge::DataType dtype = ge::DT_FLOAT) {
    for (std::size_t i = 0; i < feeds.operators.size(); ++i) {
      if (feeds.operators[i].GetName() != std::string("grad.") + input) continue;
      feeds.operators.erase(feeds.operators.begin() + static_cast<std::ptrdiff_t>(i));
      feeds.tensors.erase(feeds.tensors.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
    grad.SetInput(input, data(input, dims, dtype));
  }
  /// Says something else of an input.
  void describe(const char* input, const Dims& dims, ge::DataType dtype = ge::DT_FLOAT) {
    for (ge::Operator& op : feeds.operators) {
      if (op.GetName() == std::string("grad.") + input) op.UpdateInputDesc("x", desc(dtype, dims));
    }
  }
};

struct Wrong {
  const char* name;
  const char* sentence;
  std::function<void(Scene&)> spoil;
};

const std::vector<Wrong>& wrong_graphs();

}  // namespace alng::test

#endif
