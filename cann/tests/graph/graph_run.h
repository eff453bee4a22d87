// Graphs for tests: an engine that is on for a while, tensors with the operators they come in by, a run.
#ifndef ALNG_TESTS_CANN_GRAPH_GRAPH_RUN_H
#define ALNG_TESTS_CANN_GRAPH_GRAPH_RUN_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "alng/alng.hpp"
#include "array_ops.h"
#include "ascend/op_graph/add_layer_norm_grad_proto.h"
#include "elewise_calculation_ops.h"
#include "ge_api.h"
#include "graph.h"

namespace alng::test {

using Dims = std::vector<std::int64_t>;
using Options = std::map<ge::AscendString, ge::AscendString>;

/// GEInitialize, and GEFinalize at the end. One at a time.
class Engine {
 public:
  explicit Engine(const Options& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
};

/// The calling thread's recent sentence, which is consumed.
std::string recent_sentence();

/// A call that gave `code` was refused with this sentence.
void expect_sentence(std::uint32_t code, const std::string& sentence);
/// ... with this in its sentence.
void expect_refused(std::uint32_t code, const std::string& part);

ge::TensorDesc desc(ge::DataType dtype, const Dims& dims);
ge::Tensor tensor(ge::DataType dtype, const Dims& dims, const std::vector<std::byte>& bytes);
ge::Tensor tensor(const Dims& dims, const std::vector<float>& values);
std::vector<float> floats(const ge::Tensor& tensor);
std::vector<std::byte> bytes(const ge::Tensor& tensor);
ge::DataType ge_dtype(DType dtype);

/// What a graph is fed with.
struct Feeds {
  std::vector<ge::Operator> operators;
  std::vector<ge::Tensor> tensors;

  /// An op::Data that is described as the tensor is.
  ge::op::Data add(const std::string& name, const ge::Tensor& value);
  /// One that is described otherwise.
  ge::op::Data add(const std::string& name, const ge::Tensor& value, const ge::TensorDesc& described);
};

/// Small numbers that differ from seed to seed.
std::vector<float> numbers(std::int64_t count, int seed);

/// float32 3x4: the inputs of one AddLayerNormGrad, in the order of its parameters, small and different.
struct SmallProblem {
  explicit SmallProblem(int seed = 0, std::int64_t rows = 3, std::int64_t columns = 4);
  std::int64_t rows;
  std::int64_t columns;
  std::array<std::vector<float>, 7> values;  // dy x1 x2 rstd mean gamma dsum
  Dims dims(std::size_t input) const;

  /// A node of its own, fed by inputs of its own. Without dsum where `with_dsum` is false.
  ge::op::AddLayerNormGrad node(Feeds& feeds, const std::string& name, bool with_dsum = true) const;
  /// dx, dgamma and dbeta of the C++ interface; with `dsum` in the place of its own where it is given.
  std::array<std::vector<float>, 3> expected(const std::vector<float>* dsum = nullptr, bool with_dsum = true) const;
};

ge::Graph graph_of(const Feeds& feeds, const std::vector<ge::Operator>& outputs);

/// A session of its own with one graph; adding it and running it must succeed.
std::vector<ge::Tensor> run_graph(const ge::Graph& graph, const Feeds& feeds);

}  // namespace alng::test

#endif
