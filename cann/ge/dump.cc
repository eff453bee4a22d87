// A graph as text. tools/alng/graph_text.h says what the lines are; whoever changes one changes the other.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "ge/checked_graph.h"
#include "ge/file.h"
#include "ge/ge_ir_build.h"
#include "ge/message.h"

namespace ge {
namespace {

using alng::cann::engine::CheckedGraph;
using alng::cann::engine::guarded;
using alng::cann::engine::quoted;
using alng::cann::engine::refused;
using alng::cann::engine::spec_of;
using alng::cann::engine::to_string;
using alng::cann::engine::write_file;

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

class Dump {
 public:
  explicit Dump(const Graph& graph) : graph_(GraphImpl::of(graph)), nodes_(graph_.all()) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) numbers_.emplace(nodes_[i].get(), i);
    const auto checked = CheckedGraph::create(graph);
    if (checked) {
      checked_ = checked.value();
    } else {
      wrong_ = checked.status().message();
    }
  }

  std::string text() {
    text_ = "alng graph 1\ngraph " + quoted(graph_.name) + "\n";
    if (checked_ == nullptr) text_ += "wrong " + quoted(wrong_) + "\n";
    for (const std::shared_ptr<OperatorImpl>& node : nodes_) add(*node);
    for (const Operator& op : graph_.inputs) {
      if (OperatorImpl::of(op) != nullptr) text_ += "in " + number(OperatorImpl::of(op).get()) + "\n";
    }
    for (const GraphOutput& output : graph_.outputs) add(output);
    return text_;
  }

 private:
  std::string number(const OperatorImpl* op) const { return std::to_string(numbers_.at(op)); }

  void add(const OperatorImpl& op) {
    text_ += "node " + number(&op) + " " + quoted(op.type) + " " + quoted(op.name) + "\n";
    for (const auto& [name, value] : op.attributes) {
      text_ += "  attr " + quoted(name) + " " + quoted(text_of(value)) + "\n";
    }
    for (const Port& port : op.inputs) {
      const auto found = op.links.find(port.name);
      if (found != op.links.end()) {
        add(port.name, found->second);
      } else if (op.input_descs.count(port.name) > 0) {
        text_ += "  open " + quoted(port.name) + " " + quoted(text_of(op.input_descs.at(port.name))) + "\n";
      } else {
        text_ += "  open " + quoted(port.name) + "\n";
      }
    }
    for (const auto& [name, link] : op.links) {
      const bool declared = std::any_of(op.inputs.begin(), op.inputs.end(),
                                        [&name = name](const Port& port) { return port.name == name; });
      if (!declared) add(name, link);
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
      text_ += "  output " + quoted(op.outputs[i]) + " " + quoted(spec) + "\n";
    }
  }

  static std::size_t output_of(const OperatorImpl& op, std::size_t i, std::size_t first_value) {
    const auto names = alng::cann::engine::find_kind(op.type)->outputs();
    const auto at = std::find(names.begin(), names.end(), op.outputs[i]);
    return at == names.end() ? alng::cann::engine::nothing : first_value + static_cast<std::size_t>(at - names.begin());
  }

  void add(const std::string& input, const Link& link) {
    const std::shared_ptr<OperatorImpl> source = link.closes_cycle ? link.around.lock() : link.source;
    text_ += "  input " + quoted(input) + " ";
    if (source == nullptr) {
      text_ += "none\n";
    } else {
      text_ += number(source.get()) + " " + quoted(link.name ? *link.name : output_name(*source, link.index)) + "\n";
    }
  }

  void add(const GraphOutput& output) {
    const OperatorImpl* const op = OperatorImpl::of(output.op).get();
    if (op == nullptr) return;
    const auto line = [&](const std::string& name) { text_ += "out " + number(op) + " " + quoted(name) + "\n"; };
    if (output.name) {
      line(*output.name);
    } else if (!output.indices.empty()) {
      for (const std::size_t index : output.indices) line(output_name(*op, index));
    } else {
      for (const std::string& name : op->outputs) line(name);
    }
  }

  static std::string output_name(const OperatorImpl& op, std::size_t index) {
    return index < op.outputs.size() ? op.outputs[index] : "number " + std::to_string(index);
  }

  const GraphImpl& graph_;
  std::vector<std::shared_ptr<OperatorImpl>> nodes_;
  std::map<const OperatorImpl*, std::size_t> numbers_;
  std::shared_ptr<const CheckedGraph> checked_;
  std::string wrong_;
  std::string text_;
};

}  // namespace

graphStatus aclgrphDumpGraph(const Graph& graph, const char* file, const size_t len) {
  return guarded("aclgrphDumpGraph", [&]() -> alng::Status {
    if (file == nullptr || len == 0) return refused("file is empty but must be a file's name");
    std::string name(file, ::strnlen(file, len));
    if (name.size() < 4 || name.compare(name.size() - 4, 4, ".txt") != 0) name += ".txt";
    return write_file(name, [&graph] { return Dump(graph).text(); });
  });
}

}  // namespace ge
