// aclgrphDumpGraph: what a graph is, as text for people and as a drawing for Graphviz.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ge/checked_graph.h"
#include "ge/file.h"
#include "ge/ge_ir_build.h"
#include "ge/message.h"

namespace ge {
namespace {

using alng::cann::engine::CheckedGraph;
using alng::cann::engine::guarded;
using alng::cann::engine::refused;
using alng::cann::engine::spec_of;
using alng::cann::engine::to_string;
using alng::cann::engine::write_files;

std::string text_of(const TensorDesc& desc) {
  const auto spec = spec_of(desc);
  return spec ? to_string(spec.value()) : spec.status().message();
}

std::string text_of(const AttrValue& value) {
  struct Text {
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(float number) const { return std::to_string(number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(DataType dtype) const { return alng::cann::engine::dtype_text(dtype); }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const Tensor& tensor) const {
      return text_of(tensor.GetTensorDesc()) + ", " + std::to_string(tensor.GetSize()) + " bytes";
    }
    std::string operator()(const std::vector<int64_t>& list) const {
      std::string text = "[";
      for (std::size_t i = 0; i < list.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(list[i]);
      return text + "]";
    }
  };
  return std::visit(Text{}, value);
}

/// A graph as it is shown. Nodes are told by their places, since their names need not differ.
struct Picture {
  struct Source {
    std::size_t node;
    std::string output;
  };
  struct Input {
    std::string name;
    std::optional<Source> source;
    /// Where it is not connected: what the program says of it.
    std::string tensor;
  };
  struct Node {
    std::string type, name;
    std::vector<std::pair<std::string, std::string>> attributes;
    std::vector<Input> inputs;
    /// Name and tensor: "float32[4, -1]"; -1: known at the run only.
    std::vector<std::pair<std::string, std::string>> outputs;
  };

  std::string name;
  /// Why a session refuses the graph.
  std::string wrong;
  std::vector<Node> nodes;
  std::vector<std::size_t> inputs;
  std::vector<Source> outputs;

  std::string tensor_of(const Source& source) const {
    for (const auto& [output, tensor] : nodes[source.node].outputs) {
      if (output == source.output) return tensor;
    }
    return "?";
  }
};

class Look {
 public:
  explicit Look(const Graph& graph) : graph_(GraphImpl::of(graph)), nodes_(graph_.all()) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) numbers_.emplace(nodes_[i].get(), i);
    const auto checked = CheckedGraph::create(graph);
    if (checked) {
      checked_ = checked.value();
    } else {
      picture_.wrong = checked.status().message();
    }
  }

  Picture picture() {
    picture_.name = graph_.name;
    for (const std::shared_ptr<OperatorImpl>& node : nodes_) add(*node);
    for (const Operator& op : graph_.inputs) {
      if (OperatorImpl::of(op) != nullptr) picture_.inputs.push_back(numbers_.at(OperatorImpl::of(op).get()));
    }
    for (const GraphOutput& output : graph_.outputs) add(output);
    return std::move(picture_);
  }

 private:
  void add(const OperatorImpl& op) {
    Picture::Node node{op.type, op.name, {}, {}, {}};
    for (const auto& [name, value] : op.attributes) node.attributes.emplace_back(name, text_of(value));
    for (const Port& port : op.inputs) {
      const auto found = op.links.find(port.name);
      if (found != op.links.end()) {
        node.inputs.push_back(input_of(port.name, found->second));
      } else {
        const auto told = op.input_descs.find(port.name);
        node.inputs.push_back({port.name, {}, told == op.input_descs.end() ? "" : text_of(told->second)});
      }
    }
    for (const auto& [name, link] : op.links) {
      const bool declared = std::any_of(op.inputs.begin(), op.inputs.end(),
                                        [&name = name](const Port& port) { return port.name == name; });
      if (!declared) node.inputs.push_back(input_of(name, link));
    }
    const std::size_t value = checked_ == nullptr ? alng::cann::engine::nothing : checked_->first_value_of(&op);
    for (std::size_t i = 0; i < op.outputs.size(); ++i) {
      const auto told = op.output_descs.find(op.outputs[i]);
      std::string spec = "not known";
      if (value != alng::cann::engine::nothing) {
        // A program's own declaration may have the outputs in another order, or others.
        const auto inferred = output_of(op, i, value);
        if (inferred != alng::cann::engine::nothing) spec = to_string(checked_->specs()[inferred]);
      } else if (told != op.output_descs.end()) {
        spec = text_of(told->second);
      }
      node.outputs.emplace_back(op.outputs[i], spec);
    }
    picture_.nodes.push_back(std::move(node));
  }

  static std::size_t output_of(const OperatorImpl& op, std::size_t i, std::size_t first_value) {
    const auto names = alng::cann::engine::find_kind(op.type)->outputs();
    const auto at = std::find(names.begin(), names.end(), op.outputs[i]);
    return at == names.end() ? alng::cann::engine::nothing : first_value + static_cast<std::size_t>(at - names.begin());
  }

  Picture::Input input_of(const std::string& name, const Link& link) const {
    const std::shared_ptr<OperatorImpl> source = link.closes_cycle ? link.around.lock() : link.source;
    if (source == nullptr) return {name, {}, "an empty operator"};
    return {name, Picture::Source{numbers_.at(source.get()), link.name ? *link.name : output_name(*source, link.index)},
            ""};
  }

  void add(const GraphOutput& output) {
    const OperatorImpl* const op = OperatorImpl::of(output.op).get();
    if (op == nullptr) return;
    const auto add_output = [&](const std::string& name) { picture_.outputs.push_back({numbers_.at(op), name}); };
    if (output.name) {
      add_output(*output.name);
    } else if (!output.indices.empty()) {
      for (const std::size_t index : output.indices) add_output(output_name(*op, index));
    } else {
      for (const std::string& name : op->outputs) add_output(name);
    }
  }

  static std::string output_name(const OperatorImpl& op, std::size_t index) {
    return index < op.outputs.size() ? op.outputs[index] : "number " + std::to_string(index);
  }

  const GraphImpl& graph_;
  std::vector<std::shared_ptr<OperatorImpl>> nodes_;
  std::map<const OperatorImpl*, std::size_t> numbers_;
  std::shared_ptr<const CheckedGraph> checked_;
  Picture picture_;
};

// Nothing in it ends a line or, printed, moves a cursor.
std::string printable(const std::string& text) {
  constexpr const char* digits = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      out += std::string("\\x") + digits[byte / 16] + digits[byte % 16];
    } else {
      out += c;
    }
  }
  return out;
}

// Inside the quotes of Graphviz, whose labels have backslashes of their own.
std::string dot(const std::string& text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string count(std::size_t number, const char* what) {
  return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string to_text(const Picture& graph) {
  const auto node_at = [&](std::size_t n) {
    return std::string("#") + std::to_string(n) + " \"" + printable(graph.nodes[n].name) + "\"";
  };
  const auto end_of = [&](const Picture::Source& source) {
    return node_at(source.node) + " " + printable(source.output) + ": " + printable(graph.tensor_of(source)) + "\n";
  };
  std::string text = "graph \"" + printable(graph.name) + "\": " + count(graph.nodes.size(), "node") + ", " +
                     count(graph.inputs.size(), "input") + ", " + count(graph.outputs.size(), "output") + "\n";
  if (!graph.wrong.empty()) text += "wrong: " + printable(graph.wrong) + "\n";
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Picture::Node& node = graph.nodes[n];
    text += "\n#" + std::to_string(n) + " " + printable(node.type) + " \"" + printable(node.name) + "\"";
    for (const auto& [name, value] : node.attributes) text += "  " + printable(name) + "=" + printable(value);
    text += "\n";
    for (const Picture::Input& input : node.inputs) {
      text += "  " + printable(input.name) + " <- ";
      if (input.source) {
        text += end_of(*input.source);
      } else {
        text += "not connected" + (input.tensor.empty() ? "" : ", " + printable(input.tensor)) + "\n";
      }
    }
    for (const auto& [name, tensor] : node.outputs) text += "  " + printable(name) + " -> " + printable(tensor) + "\n";
  }
  text += "\n";
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    text += "input " + std::to_string(i) + ": " + node_at(graph.inputs[i]) + "\n";
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    text += "output " + std::to_string(i) + ": " + end_of(graph.outputs[i]);
  }
  return text;
}

std::string to_dot(const Picture& graph) {
  std::string text = "digraph \"" + dot(graph.name) + "\" {\n  rankdir=TB;\n  node [shape=box];\n";
  if (!graph.wrong.empty()) text += "  label=\"wrong: " + dot(graph.wrong) + "\";\n";
  const auto arrow = [&](const Picture::Source& from, const std::string& to, const std::string& head) {
    return "  n" + std::to_string(from.node) + " -> " + to + " [taillabel=\"" + dot(from.output) + "\", " + head +
           "label=\"" + dot(graph.tensor_of(from)) + "\"];\n";
  };
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Picture::Node& node = graph.nodes[n];
    const bool is_input = std::find(graph.inputs.begin(), graph.inputs.end(), n) != graph.inputs.end();
    const std::string name = std::string("n") + std::to_string(n);
    text += "  " + name + " [label=\"" + dot(node.type) + "\\n" + dot(node.name) + "\"" +
            (is_input ? ", style=rounded" : "") + "];\n";
    for (const Picture::Input& input : node.inputs) {
      if (input.source) text += arrow(*input.source, name, "headlabel=\"" + dot(input.name) + "\", ");
    }
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const std::string name = "out" + std::to_string(i);
    text += "  " + name + " [label=\"output " + std::to_string(i) + "\", shape=plaintext];\n";
    text += arrow(graph.outputs[i], name, "");
  }
  return text + "}\n";
}

}  // namespace

graphStatus aclgrphDumpGraph(const Graph& graph, const char* file, const size_t len) {
  return guarded("aclgrphDumpGraph", [&]() -> alng::Status {
    if (file == nullptr || len == 0) return refused("file is empty but must be a file's name");
    std::string name(file, ::strnlen(file, len));
    if (name.size() >= 4 && name.compare(name.size() - 4, 4, ".txt") == 0) name.resize(name.size() - 4);
    const std::string names[] = {name + ".txt", name + ".dot"};
    return write_files(names, [&graph]() -> std::vector<std::string> {
      const Picture picture = Look(graph).picture();
      return {to_text(picture), to_dot(picture)};
    });
  });
}

}  // namespace ge
