#include "ge/checked_graph.h"

#include <algorithm>
#include <set>
#include <utility>

namespace alng::cann::engine {
namespace {

using ge::OperatorImpl;

std::string label_of(const OperatorImpl& op) { return "node " + quoted(op.name) + " (" + op.type + ")"; }

Status refused_at(const std::string& label, const std::string& sentence) { return refused(label + ": " + sentence); }

template <class List, class Name>
std::string words(const List& list, const Name& name) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + std::string(name(item));
  return text.empty() ? "none" : text;
}

std::string outputs_in_words(const NodeKind& kind) {
  return words(kind.outputs(), [](std::string_view name) { return name; });
}

std::size_t index_of(std::span<const std::string_view> names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  return at == names.end() ? nothing : static_cast<std::size_t>(at - names.begin());
}

}  // namespace

class CheckedGraph::Maker {
 public:
  Maker(const ge::GraphImpl& from, CheckedGraph& graph) : from_(from), graph_(graph) {}

  Status make() {
    graph_.name_ = from_.name;
    if (from_.outputs.empty()) return refused("the graph has no outputs: SetOutputs says what to compute");
    if (Status status = number_inputs(); !status.ok()) return status;
    for (std::size_t i = 0; i < from_.outputs.size(); ++i) {
      const OperatorImpl* const op = OperatorImpl::of(from_.outputs[i].op).get();
      if (op == nullptr) return refused("output " + std::to_string(i) + " of the graph is an empty operator");
      if (Status status = visit(op); !status.ok()) return status;
    }
    for (const ge::GraphOutput& output : from_.outputs) {
      if (Status status = add_output(output); !status.ok()) return status;
    }
    return {};
  }

 private:
  // A node whose inputs are being visited.
  struct Visit {
    const OperatorImpl* op;
    const NodeKind* kind;
    std::size_t next_port = 0;
  };

  Status number_inputs() {
    for (std::size_t i = 0; i < from_.inputs.size(); ++i) {
      const OperatorImpl* const op = OperatorImpl::of(from_.inputs[i]).get();
      if (op == nullptr) return refused("input " + std::to_string(i) + " of the graph is an empty operator");
      const NodeKind* const kind = find_kind(op->type);
      if (kind != nullptr && kind->role() == Role::constant) continue;
      if (kind == nullptr || kind->role() != Role::fed) {
        return refused_at(label_of(*op),
                          "it is input " + std::to_string(i) + " of the graph but only Data brings a run's tensors in");
      }
      if (!slots_.emplace(op, graph_.fed_.size()).second) {
        return refused_at(label_of(*op), "it is more than once among the graph's inputs");
      }
      Node node;
      node.label = label_of(*op);
      if (Status status = kind->read(*op, node); !status.ok()) return refused_at(node.label, status.message());
      graph_.fed_.push_back(nothing);
      graph_.told_.push_back(node.told);
      graph_.fed_labels_.push_back(node.label);
    }
    return {};
  }

  // In depth first, without recursion: a graph may be deeper than a stack. What a node's inputs lead to comes before
  // it.
  Status visit(const OperatorImpl* root) {
    if (graph_.places_.count(root) > 0) return {};
    if (Status status = begin(root); !status.ok()) return status;
    while (!path_.empty()) {
      Visit& at = path_.back();
      if (at.next_port == at.kind->inputs().size()) {
        const OperatorImpl* const op = at.op;
        const NodeKind* const kind = at.kind;
        path_.pop_back();
        if (Status status = add_node(*op, *kind); !status.ok()) return status;
        continue;
      }
      const InputPort& port = at.kind->inputs()[at.next_port++];
      const OperatorImpl* source = nullptr;
      if (Status status = source_of(*at.op, port, source); !status.ok()) return status;
      if (source == nullptr || graph_.places_.count(source) > 0) continue;
      if (Status status = begin(source); !status.ok()) return status;
    }
    return {};
  }

  Status begin(const OperatorImpl* op) {
    for (std::size_t i = path_.size(); i-- > 0 && begun_.count(op) > 0;) {
      if (path_[i].op != op) continue;
      std::string circle;
      for (std::size_t k = i; k < path_.size() && k < i + 8; ++k) circle += quoted(path_[k].op->name) + " needs ";
      if (path_.size() > i + 8) circle += "... needs ";
      return refused_at(label_of(*op),
                        "it needs its own output: " + circle + quoted(op->name) + "; a graph must have no cycle");
    }
    begun_.insert(op);
    const NodeKind* const kind = find_kind(op->type);
    if (kind == nullptr) {
      return refused_at(label_of(*op), "there is no operator of this type here; there are " + kinds_in_words());
    }
    for (const auto& [port, link] : op->links) {
      const auto ports = kind->inputs();
      const auto known = [&port = port](const InputPort& input) { return input.name == port; };
      if (std::any_of(ports.begin(), ports.end(), known)) continue;
      return refused_at(label_of(*op), "something is connected to its input " + quoted(port) + ", but its inputs are " +
                                           words(ports, [](const InputPort& input) { return input.name; }));
    }
    path_.push_back({op, kind});
    return {};
  }

  // The operator that an input comes from; null where it is left out.
  Status source_of(const OperatorImpl& op, const InputPort& port, const OperatorImpl*& source) {
    const auto found = op.links.find(std::string(port.name));
    if (found == op.links.end()) {
      if (!port.required) return {};
      return refused_at(label_of(op), "its input " + std::string(port.name) + " is not connected but must be");
    }
    std::shared_ptr<OperatorImpl> from = found->second.source;
    if (found->second.closes_cycle) from = found->second.around.lock();
    if (from == nullptr) {
      return refused_at(label_of(op),
                        "its input " + std::string(port.name) + " is connected to an operator that is " +
                            (found->second.closes_cycle ? "gone, and was computed of this one" : "empty"));
    }
    held_.push_back(from);
    source = from.get();
    return {};
  }

  Status add_node(const OperatorImpl& op, const NodeKind& kind) {
    Node node;
    node.label = label_of(op);
    node.kind = &kind;
    node.attributes = op.attributes;
    node.first_value = graph_.value_count_;
    if (Status status = kind.read(op, node); !status.ok()) return refused_at(node.label, status.message());
    if (kind.role() == Role::fed) {
      const auto slot = slots_.find(&op);
      if (slot == slots_.end()) {
        return refused_at(node.label, "it is not among the graph's inputs, so that no run brings its tensor");
      }
      graph_.fed_[slot->second] = graph_.nodes_.size();
    }
    for (const InputPort& port : kind.inputs()) {
      std::size_t value = nothing;
      if (Status status = value_of(op, node.label, port, value); !status.ok()) return status;
      node.inputs.push_back(value);
    }
    graph_.value_count_ += kind.outputs().size();
    graph_.places_.emplace(&op, graph_.nodes_.size());
    graph_.nodes_.push_back(std::move(node));
    return {};
  }

  Status value_of(const OperatorImpl& op, const std::string& label, const InputPort& port, std::size_t& value) {
    const auto found = op.links.find(std::string(port.name));
    if (found == op.links.end()) return {};
    const ge::Link& link = found->second;
    const OperatorImpl* source = nullptr;
    if (Status status = source_of(op, port, source); !status.ok()) return status;
    const Node& from = graph_.nodes_[graph_.places_.at(source)];
    const auto outputs = from.kind->outputs();
    const std::size_t index = link.name ? index_of(outputs, *link.name) : link.index;
    if (index >= outputs.size()) {
      return refused_at(label, "its input " + std::string(port.name) + " comes from output " +
                                   (link.name ? quoted(*link.name) : "number " + std::to_string(link.index)) + " of " +
                                   from.label + ", whose outputs are " + outputs_in_words(*from.kind));
    }
    value = from.first_value + index;
    return {};
  }

  Status add_output(const ge::GraphOutput& output) {
    const Node& node = graph_.nodes_[graph_.places_.at(OperatorImpl::of(output.op).get())];
    const auto outputs = node.kind->outputs();
    const auto no_such = [&](const std::string& what) {
      return refused_at(node.label, "its output " + what + " is to be one of the graph's, but its outputs are " +
                                        outputs_in_words(*node.kind));
    };
    if (output.name) {
      const std::size_t index = index_of(outputs, *output.name);
      if (index == nothing) return no_such(quoted(*output.name));
      graph_.outputs_.push_back(node.first_value + index);
      return {};
    }
    for (const std::size_t index : output.indices) {
      if (index >= outputs.size()) return no_such("number " + std::to_string(index));
      graph_.outputs_.push_back(node.first_value + index);
    }
    for (std::size_t i = 0; output.indices.empty() && i < outputs.size(); ++i) {
      graph_.outputs_.push_back(node.first_value + i);
    }
    return {};
  }

  const ge::GraphImpl& from_;
  CheckedGraph& graph_;
  std::map<const OperatorImpl*, std::size_t> slots_;
  std::set<const OperatorImpl*> begun_;
  std::vector<Visit> path_;
  // What is looked at while another thread may drop it.
  std::vector<std::shared_ptr<OperatorImpl>> held_;
};

Result<std::shared_ptr<const CheckedGraph>> CheckedGraph::create(const ge::Graph& graph) {
  const auto checked = std::make_shared<CheckedGraph>();
  if (Status status = Maker(ge::GraphImpl::of(graph), *checked).make(); !status.ok()) return status;
  Result<std::vector<TensorSpec>> specs = checked->infer(checked->told_);
  if (!specs) return specs.status();
  checked->specs_ = std::move(specs).value();
  return std::shared_ptr<const CheckedGraph>(checked);
}

std::size_t CheckedGraph::constant_bytes() const {
  std::size_t bytes = 0;
  for (const Node& node : nodes_) {
    if (node.kind->role() == Role::constant) bytes += bytes_of(node.told);
  }
  return bytes;
}

InputSpecs CheckedGraph::inputs_of(const Node& node, const std::vector<TensorSpec>& specs) {
  InputSpecs inputs;
  for (const std::size_t value : node.inputs) inputs.push_back(value == nothing ? nullptr : &specs[value]);
  return inputs;
}

Result<std::vector<TensorSpec>> CheckedGraph::infer(const std::vector<TensorSpec>& fed) const {
  std::vector<TensorSpec> specs(value_count_);
  for (std::size_t slot = 0; slot < fed_.size(); ++slot) {
    if (fed_[slot] != nothing) specs[nodes_[fed_[slot]].first_value] = fed[slot];
  }
  for (const Node& node : nodes_) {
    if (node.kind->role() == Role::fed) continue;
    Result<std::vector<TensorSpec>> inferred = node.kind->infer(node, inputs_of(node, specs));
    if (!inferred) return Status(inferred.status().code(), node.label + ": " + inferred.status().message());
    for (std::size_t i = 0; i < inferred->size(); ++i) {
      if (Status status = judge(inferred.value()[i]); !status.ok()) {
        return refused_at(node.label, "output " + std::string(node.kind->outputs()[i]) + ": " + status.message());
      }
      specs[node.first_value + i] = std::move(inferred.value()[i]);
    }
  }
  return specs;
}

std::size_t CheckedGraph::first_value_of(const ge::OperatorImpl* op) const {
  const auto found = places_.find(op);
  return found == places_.end() ? nothing : nodes_[found->second].first_value;
}

}  // namespace alng::cann::engine
