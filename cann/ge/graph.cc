#include "graph/graph.h"

#include <set>

#include "ge/graph_impl.h"
#include "ge/operator_impl.h"

namespace ge {

std::vector<std::shared_ptr<OperatorImpl>> GraphImpl::all() const {
  std::vector<std::shared_ptr<OperatorImpl>> found;
  std::set<const OperatorImpl*> seen;
  const auto add = [&](std::shared_ptr<OperatorImpl> node) {
    if (node != nullptr && seen.insert(node.get()).second) found.push_back(std::move(node));
  };
  for (const Operator& op : added) add(OperatorImpl::of(op));
  for (const Operator& op : inputs) add(OperatorImpl::of(op));
  for (const GraphOutput& output : outputs) add(OperatorImpl::of(output.op));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::shared_ptr<OperatorImpl> node = found[i];
    for (const auto& [port, link] : node->links) add(link.closes_cycle ? link.around.lock() : link.source);
  }
  return found;
}

Graph::Graph(const char* name) : impl_(std::make_shared<GraphImpl>(name == nullptr ? "" : name)) {}

Graph& Graph::SetInputs(const std::vector<Operator>& inputs) {
  impl_->inputs = inputs;
  return *this;
}

Graph& Graph::SetOutputs(const std::vector<Operator>& outputs) {
  impl_->outputs.clear();
  for (const Operator& op : outputs) impl_->outputs.push_back({op, std::nullopt, {}});
  return *this;
}

Graph& Graph::SetOutputs(const std::vector<std::pair<Operator, std::vector<size_t>>>& outputs) {
  impl_->outputs.clear();
  for (const auto& [op, indices] : outputs) impl_->outputs.push_back({op, std::nullopt, indices});
  return *this;
}

Graph& Graph::SetOutputs(const std::vector<std::pair<Operator, AscendString>>& outputs) {
  impl_->outputs.clear();
  for (const auto& [op, name] : outputs) {
    const bool all = name.GetLength() == 0;
    impl_->outputs.push_back({op, all ? std::nullopt : std::optional<std::string>(name.GetString()), {}});
  }
  return *this;
}

Graph& Graph::AddOp(const Operator& op) {
  impl_->added.push_back(op);
  return *this;
}

graphStatus Graph::FindOpByName(const char* name, Operator& op) const {
  const std::string wanted = name == nullptr ? "" : name;
  for (std::shared_ptr<OperatorImpl>& node : impl_->all()) {
    if (node->name != wanted) continue;
    op = OperatorImpl::handle(std::move(node));
    return GRAPH_SUCCESS;
  }
  return GRAPH_FAILED;
}

graphStatus Graph::GetAllOpName(std::vector<AscendString>& names) const {
  names.clear();
  for (const std::shared_ptr<OperatorImpl>& node : impl_->all()) {
    names.emplace_back(node->name.data(), node->name.size());
  }
  return GRAPH_SUCCESS;
}

graphStatus Graph::GetName(AscendString& name) const {
  name = AscendString(impl_->name.data(), impl_->name.size());
  return GRAPH_SUCCESS;
}

bool Graph::IsValid() const { return !impl_->inputs.empty() || !impl_->outputs.empty() || !impl_->added.empty(); }

}  // namespace ge
