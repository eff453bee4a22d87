#include "cann/tests/graph/random_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace alng::test {
namespace {

bool broadcast(const Dims& a, const Dims& b) {
  for (std::size_t back = 1; back <= std::min(a.size(), b.size()); ++back) {
    const std::int64_t x = a[a.size() - back], y = b[b.size() - back];
    if (x != y && x != 1 && y != 1) return false;
  }
  return true;
}

}  // namespace

RandomGraph::RandomGraph(std::uint32_t seed) : random_(seed) {
  for (const ge::DataType dtype : {ge::DT_FLOAT, ge::DT_BF16}) {
    for (const Dims& dims : {Dims{3, 4}, Dims{3, 4}, Dims{4}, Dims{3, 1}}) feed(dtype, dims);
  }
  feed(ge::DT_FLOAT, {3, 1});
  const std::size_t nodes = 2 + below(16);
  for (std::size_t i = 0; i < nodes; ++i) {
    switch (below(4)) {
      case 0:
        add_cast();
        break;
      case 1:
        add_gradient();
        break;
      default:
        add_sum();
    }
  }
  std::vector<std::pair<ge::Operator, std::vector<std::size_t>>> handed_out;
  for (std::size_t i = 0, count = 1 + below(4); i < count; ++i) {
    // Late ones as a rule, which need many of the others.
    const std::size_t late = values.size() - 1 - below(std::min<std::size_t>(values.size(), 5));
    outputs.push_back(below(4) == 0 ? below(values.size()) : late);
    handed_out.push_back({values[outputs.back()].op, {values[outputs.back()].index}});
  }
  graph.SetInputs(feeds.operators).SetOutputs(handed_out);
}

std::size_t RandomGraph::pick(const Dims& dims_wanted, ge::DataType dtype_wanted) {
  const auto right = [&](std::size_t value) { return dims(value) == dims_wanted && dtype(value) == dtype_wanted; };
  if (right(before_) && below(3) == 0) return before_;
  do before_ = below(values.size());
  while (!right(before_));
  return before_;
}

void RandomGraph::feed(ge::DataType dtype, const Dims& dims) {
  std::int64_t count = 1;
  for (const std::int64_t extent : dims) count *= extent;
  std::vector<float> all = numbers(count, static_cast<int>(values.size()));
  std::vector<std::byte> bytes;
  for (const float value : all) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    // The upper half of a float32 is a bfloat16.
    for (int byte = dtype == ge::DT_FLOAT ? 0 : 2; byte < 4; ++byte)
      bytes.push_back(static_cast<std::byte>(bits >> 8 * byte));
  }
  const ge::Tensor value = tensor(dtype, dims, bytes);
  values.push_back({feeds.add("data" + std::to_string(values.size()), value), 0, value});
}

template <class Node>
void RandomGraph::add(Node node, Node alone, const Inputs& inputs) {
  Feeds own;
  for (const auto& [port, value] : inputs) {
    node.SetInput(port, values[value].op, values[value].index);
    alone.SetInput(port, own.add(port, values[value].tensor));
  }
  const std::vector<ge::Tensor> results = run_graph(graph_of(own, {alone}), own);
  for (std::size_t i = 0; i < results.size(); ++i) values.push_back({node, static_cast<std::uint32_t>(i), results[i]});
}

void RandomGraph::add_sum() {
  const std::size_t a = below(values.size());
  std::size_t b = below(4) == 0 ? a : below(values.size());
  while (dtype(a) != dtype(b) || !broadcast(dims(a), dims(b))) b = below(values.size());
  add(ge::op::Add(("sum" + std::to_string(values.size())).c_str()), ge::op::Add("sum"), {{"x1", a}, {"x2", b}});
}

void RandomGraph::add_cast() {
  const ge::DataType to[] = {ge::DT_FLOAT, ge::DT_FLOAT16, ge::DT_BF16};
  const ge::DataType dtype = to[below(3)];
  auto node = ge::op::Cast(("cast" + std::to_string(values.size())).c_str());
  add(node.set_attr_dst_type(dtype), ge::op::Cast("cast").set_attr_dst_type(dtype), {{"x", below(values.size())}});
}

void RandomGraph::add_gradient() {
  const ge::DataType dtype = below(2) == 0 ? ge::DT_FLOAT : ge::DT_BF16;
  Inputs inputs;
  for (const char* port : {"dy", "x1", "x2", "dsum"}) {
    if (std::string(port) != "dsum" || below(2) == 0) inputs.emplace_back(port, pick({3, 4}, dtype));
  }
  for (const char* port : {"rstd", "mean"}) inputs.emplace_back(port, pick({3, 1}, ge::DT_FLOAT));
  inputs.emplace_back("gamma", pick({4}, dtype));
  add(ge::op::AddLayerNormGrad(("grad" + std::to_string(values.size())).c_str()), ge::op::AddLayerNormGrad("grad"),
      inputs);
}

}  // namespace alng::test
