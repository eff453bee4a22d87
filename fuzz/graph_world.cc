#include "graph_world.h"

#include <map>
#include <utility>

#include "check.h"

namespace alng::fuzz {
namespace {

constexpr ge::DataType dtypes[] = {ge::DT_FLOAT, ge::DT_FLOAT16, ge::DT_BF16};
constexpr std::size_t most_nodes = 24;

}  // namespace

GraphWorld::GraphWorld(Bytes& bytes)
    : bytes_(bytes), dtype_(dtypes[bytes.below(3)]), rows_(bytes.below(6)), columns_(bytes.below(40)) {
  for (const Role role : {Role::full, Role::full, Role::full, Role::statistic, Role::statistic, Role::scale}) {
    add_data(role);
  }
  while (!bytes_.empty() && nodes_.size() < most_nodes) {
    switch (bytes_.below(16)) {
      case 0:
        add_data(static_cast<Role>(bytes_.below(3)));
        break;
      case 1:
        add_const();
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        add_sum();
        break;
      case 6:
      case 7:
        add_cast();
        break;
      case 8:
        if (bytes_.one_in(4)) add_wrong();
        break;
      default:
        add_layer_norm_grad();
    }
  }
  finish();
}

std::string GraphWorld::name() {
  // Names may be empty, the same, or hold anything.
  if (bytes_.one_in(8)) return std::string(1, static_cast<char>(bytes_.next()));
  return std::to_string(nodes_.size());
}

ge::Tensor GraphWorld::random_tensor(Role role) {
  const Dims dims = role == Role::full        ? Dims{rows_, columns_}
                    : role == Role::statistic ? Dims{rows_, 1}
                                              : Dims{columns_};
  const ge::DataType dtype = role == Role::statistic || role == Role::gradient ? ge::DT_FLOAT : dtype_;
  const ge::TensorDesc desc(ge::Shape(dims), ge::FORMAT_ND, dtype);
  std::int64_t count = 1;
  for (const std::int64_t extent : dims) count *= extent;
  std::vector<std::uint8_t> data(static_cast<std::size_t>(count * ge::GetSizeByDataType(dtype)));
  // Any bits now and then; else numbers near 1, in every dtype.
  const bool wild = bytes_.one_in(8);
  std::uint32_t state = bytes_.next() + 1;
  const std::size_t width = static_cast<std::size_t>(ge::GetSizeByDataType(dtype));
  for (std::size_t i = 0; i < data.size(); ++i) {
    state = state * 1664525U + 1013904223U;
    data[i] = static_cast<std::uint8_t>(state >> 24);
    if (!wild && i % width == width - 1) data[i] = static_cast<std::uint8_t>((data[i] & 0x80U) | 0x3CU);
  }
  return {desc, data};
}

void GraphWorld::add_data(Role role) {
  MadeNode node;
  node.tensor = random_tensor(role);
  ge::op::Data data(name());
  ge::TensorDesc desc = node.tensor->GetTensorDesc();
  if (bytes_.one_in(4)) desc.SetShape(ge::Shape(Dims(desc.GetShape().GetDimNum(), -1)));
  if (bytes_.one_in(64)) desc.SetShape(ge::Shape(Dims{bytes_.any(), bytes_.any()}));
  if (bytes_.one_in(64)) desc.SetDataType(static_cast<ge::DataType>(bytes_.below(45)));
  if (!bytes_.one_in(8)) data.update_input_desc_x(desc);
  if (bytes_.one_in(8)) data.update_output_desc_y(desc);
  node.op = data;
  values_.push_back({nodes_.size(), 0, role});
  nodes_.push_back(std::move(node));
}

void GraphWorld::add_const() {
  MadeNode node;
  const auto role = static_cast<Role>(bytes_.below(3));
  node.tensor = random_tensor(role);
  node.op = ge::op::Const(name()).set_attr_value(*node.tensor);
  values_.push_back({nodes_.size(), 0, role});
  nodes_.push_back(std::move(node));
}

// A value of the role; now and then any.
std::optional<Value> GraphWorld::pick(Role role) {
  if (values_.empty() || bytes_.one_in(128)) return std::nullopt;
  const bool any = bytes_.one_in(64);
  const std::size_t start = bytes_.below(values_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Value& value = values_[values_.size() - 1 - (start + i) % values_.size()];
    if (any || value.role == role) return value;
  }
  return std::nullopt;
}

void GraphWorld::connect(MadeNode& node, const char* input, std::optional<Value> from) {
  if (!from) return;
  const ge::Operator& source = nodes_[from->node].op;
  if (from->output == 0 && bytes_.one_in(2)) {
    node.op.SetInput(input, source);
  } else {
    node.op.SetInput(input, source, from->output);
  }
  node.inputs.push_back({input, *from});
}

void GraphWorld::add_sum() {
  MadeNode node;
  node.op = ge::op::Add(name());
  const auto role = static_cast<Role>(bytes_.below(4));
  connect(node, "x1", pick(role));
  connect(node, "x2", pick(bytes_.one_in(8) ? static_cast<Role>(bytes_.below(4)) : role));
  values_.push_back({nodes_.size(), 0, role});
  nodes_.push_back(std::move(node));
}

void GraphWorld::add_cast() {
  MadeNode node;
  const bool of_full = bytes_.one_in(2);
  // A gradient becomes a scale, what is full stays so.
  const Role role = of_full ? Role::full : Role::gradient;
  node.op = ge::op::Cast(name()).set_attr_dst_type(bytes_.one_in(32) ? bytes_.below(45) : static_cast<int>(dtype_));
  connect(node, "x", pick(role));
  values_.push_back({nodes_.size(), 0, of_full ? Role::full : Role::scale});
  nodes_.push_back(std::move(node));
}

void GraphWorld::add_layer_norm_grad() {
  MadeNode node;
  node.op = ge::op::AddLayerNormGrad(name());
  for (const char* input : {"dy", "x1", "x2"}) connect(node, input, pick(Role::full));
  for (const char* input : {"rstd", "mean"}) connect(node, input, pick(Role::statistic));
  connect(node, "gamma", pick(Role::scale));
  if (bytes_.one_in(2)) connect(node, "dsum", pick(Role::full));
  values_.push_back({nodes_.size(), 0, Role::full});
  values_.push_back({nodes_.size(), 1, Role::gradient});
  values_.push_back({nodes_.size(), 2, Role::gradient});
  nodes_.push_back(std::move(node));
}

// What no program should do, to the latest node or by a new one.
void GraphWorld::add_wrong() {
  ge::Operator& latest = nodes_.back().op;
  switch (bytes_.below(6)) {
    case 0:
      nodes_.front().op.SetInput("x", latest);
      break;
    case 1:
      exact_ = false;
      nodes_[bytes_.below(nodes_.size())].op.SetInput("x1", latest, bytes_.below(4U));  // perhaps a cycle
      break;
    case 2:
      latest.SetInput("dsum", nodes_[bytes_.below(nodes_.size())].op, "nothing");
      break;
    case 3:
      latest.SetInput("x1", ge::Operator());
      break;
    case 4:
      latest.SetAttr("dst_type", "words").SetAttr("value", bytes_.any());
      break;
    default: {
      MadeNode node;
      node.op = ge::Operator(name().c_str(), "Stranger");
      values_.push_back({nodes_.size(), 0, Role::full});
      nodes_.push_back(std::move(node));
    }
  }
}

void GraphWorld::finish() {
  std::vector<ge::Operator> inputs;
  for (MadeNode& node : nodes_) {
    if (!node.tensor || bytes_.one_in(128)) continue;
    inputs.push_back(node.op);
    if (node.op.GetOpType() == "Data") {
      node.feed = feeds_.size();
      feeds_.push_back(*node.tensor);
    }
    if (bytes_.one_in(64)) graph_.AddOp(node.op);
  }
  if (bytes_.one_in(64)) inputs.push_back(nodes_[bytes_.below(nodes_.size())].op);
  if (!feeds_.empty() && bytes_.one_in(32)) feeds_.pop_back();
  if (!feeds_.empty() && bytes_.one_in(32)) feeds_[bytes_.below(feeds_.size())] = random_tensor(Role::full);
  if (!feeds_.empty() && bytes_.one_in(64)) feeds_[0] = ge::Tensor(feeds_[0].GetTensorDesc());
  graph_.SetInputs(inputs);

  std::vector<std::pair<ge::Operator, std::vector<std::size_t>>> outputs;
  const std::size_t count = 1 + bytes_.below(4U);
  for (std::size_t i = 0; i < count; ++i) {
    // Mostly what was made last, which needs the most.
    const Value& value = values_[values_.size() - 1 - bytes_.below(bytes_.one_in(2) ? values_.size() : 1)];
    outputs_.push_back(value);
    outputs.emplace_back(nodes_[value.node].op, std::vector<std::size_t>{value.output});
  }
  if (bytes_.one_in(64)) {
    outputs_.back().output = bytes_.below(8U);
    outputs.back().second[0] = outputs_.back().output;
  }
  graph_.SetOutputs(outputs);
}

std::vector<ge::Tensor> GraphWorld::node_by_node() const {
  std::map<std::size_t, std::vector<ge::Tensor>> done;
  const auto compute = [&](const MadeNode& node) {
    if (node.tensor) return std::vector<ge::Tensor>{node.feed ? feeds_.at(*node.feed) : *node.tensor};
    std::vector<ge::Operator> inputs;
    std::vector<ge::Tensor> tensors;
    ge::Operator alone = ge::OperatorFactory::CreateOperator("alone", node.op.GetOpType().c_str());
    std::int64_t dst_type = 0;
    if (node.op.GetAttr("dst_type", dst_type) == ge::GRAPH_SUCCESS) alone.SetAttr("dst_type", dst_type);
    for (const MadeNode::Input& input : node.inputs) {
      inputs.push_back(ge::op::Data(input.name));
      tensors.push_back(done.at(input.from.node).at(input.from.output));
      alone.SetInput(input.name, inputs.back());
    }
    ge::Graph graph("alone");
    graph.SetInputs(inputs).SetOutputs(std::vector<ge::Operator>{alone});
    ge::Session session(std::map<ge::AscendString, ge::AscendString>{});
    std::vector<ge::Tensor> outputs;
    ALNG_FUZZ_CHECK(session.AddGraph(0, graph) == ge::SUCCESS);
    ALNG_FUZZ_CHECK(session.RunGraph(0, tensors, outputs) == ge::SUCCESS);
    return outputs;
  };
  // A node's inputs were made before it. Only what the outputs need is known to be right.
  std::vector<bool> needed(nodes_.size());
  for (const Value& output : outputs_) needed[output.node] = true;
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const MadeNode::Input& input : nodes_[i].inputs) needed[input.from.node] = true;
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (needed[i]) done.emplace(i, compute(nodes_[i]));
  }
  std::vector<ge::Tensor> out;
  for (const Value& output : outputs_) out.push_back(done.at(output.node).at(output.output));
  return out;
}

}  // namespace alng::fuzz
