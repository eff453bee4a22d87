#include "graph/operator.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ge/message.h"
#include "ge/operator_impl.h"

namespace ge {
namespace {

using alng::cann::engine::guarded;
using alng::cann::engine::quoted;
using alng::cann::engine::refused;

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

// Whether `node` is among what `from` is computed of.
bool reaches(const OperatorImpl* from, const OperatorImpl* node) {
  std::set<const OperatorImpl*> seen{from};
  std::vector<const OperatorImpl*> next{from};
  while (!next.empty()) {
    const OperatorImpl* const at = next.back();
    next.pop_back();
    if (at == node) return true;
    for (const auto& [port, link] : at->links) {
      if (link.source != nullptr && seen.insert(link.source.get()).second) next.push_back(link.source.get());
    }
  }
  return false;
}

TensorDesc find(const std::map<std::string, TensorDesc>& descs, const std::string& name) {
  const auto found = descs.find(name);
  return found == descs.end() ? TensorDesc() : found->second;
}

template <class Value>
graphStatus get(const std::shared_ptr<OperatorImpl>& impl, const char* name, Value& value) {
  if (impl == nullptr || name == nullptr) return GRAPH_FAILED;
  const auto found = impl->attributes.find(name);
  if (found == impl->attributes.end()) return GRAPH_FAILED;
  const Value* const held = std::get_if<Value>(&found->second);
  if (held == nullptr) return GRAPH_FAILED;
  value = *held;
  return GRAPH_SUCCESS;
}

template <class Value>
void set(const std::shared_ptr<OperatorImpl>& impl, const char* name, Value value) {
  if (impl != nullptr && name != nullptr) impl->attributes.insert_or_assign(name, std::move(value));
}

graphStatus update(const char* function, const std::shared_ptr<OperatorImpl>& impl, const char* name,
                   const TensorDesc& desc, bool output) {
  return guarded(function, [&]() -> alng::Status {
    if (impl == nullptr) return refused("the operator is empty");
    const std::string port = text_of(name);
    const bool there = output ? std::count(impl->outputs.begin(), impl->outputs.end(), port) > 0
                              : std::any_of(impl->inputs.begin(), impl->inputs.end(),
                                            [&](const Port& input) { return input.name == port; });
    if (!there) {
      return refused("node " + quoted(impl->name) + " (" + impl->type + ") has no " + (output ? "output " : "input ") +
                     quoted(port));
    }
    (output ? impl->output_descs : impl->input_descs).insert_or_assign(port, desc);
    return {};
  });
}

}  // namespace

// A chain of nodes that hold each other is taken apart in a loop: freed one inside the other, 100,000 of them would run
// out of stack.
OperatorImpl::~OperatorImpl() {
  std::vector<std::shared_ptr<OperatorImpl>> last;
  const auto collect = [&last](std::map<std::string, Link>& of_node) {
    for (auto& [port, link] : of_node) {
      if (link.source != nullptr) last.push_back(std::move(link.source));
    }
    of_node.clear();
  };
  collect(links);
  while (!last.empty()) {
    const std::shared_ptr<OperatorImpl> node = std::move(last.back());
    last.pop_back();
    if (node.use_count() == 1) collect(node->links);
  }
}

Operator OperatorImpl::handle(std::shared_ptr<OperatorImpl> impl) {
  Operator op;
  op.impl_ = std::move(impl);
  return op;
}

void OperatorImpl::connect(const std::shared_ptr<OperatorImpl>& self, const char* port, const Operator& source,
                           Link link) {
  if (self == nullptr) return;
  const std::shared_ptr<OperatorImpl>& from = of(source);
  if (from == self || (from != nullptr && self->is_source && reaches(from.get(), self.get()))) {
    link.closes_cycle = true;
    link.around = from;
  } else {
    link.source = from;
  }
  if (from != nullptr) from->is_source = true;
  self->links.insert_or_assign(text_of(port), std::move(link));
}

Operator::Operator(const char* name, const char* type)
    : impl_(std::make_shared<OperatorImpl>(text_of(name), text_of(type))) {}

graphStatus Operator::GetName(AscendString& name) const {
  if (impl_ == nullptr) return GRAPH_FAILED;
  name = AscendString(impl_->name.data(), impl_->name.size());
  return GRAPH_SUCCESS;
}

graphStatus Operator::GetOpType(AscendString& type) const {
  if (impl_ == nullptr) return GRAPH_FAILED;
  type = AscendString(impl_->type.data(), impl_->type.size());
  return GRAPH_SUCCESS;
}

Operator& Operator::SetInput(const char* dst_name, const Operator& src) {
  return SetInput(dst_name, src, static_cast<uint32_t>(0));
}

Operator& Operator::SetInput(const char* dst_name, const Operator& src, const char* src_name) {
  Link link;
  link.name = text_of(src_name);
  OperatorImpl::connect(impl_, dst_name, src, std::move(link));
  return *this;
}

Operator& Operator::SetInput(const char* dst_name, const Operator& src, uint32_t src_index) {
  Link link;
  link.index = src_index;
  OperatorImpl::connect(impl_, dst_name, src, std::move(link));
  return *this;
}

size_t Operator::GetInputsSize() const { return impl_ == nullptr ? 0 : impl_->inputs.size(); }

size_t Operator::GetOutputsSize() const { return impl_ == nullptr ? 0 : impl_->outputs.size(); }

TensorDesc Operator::GetInputDescByName(const char* name) const {
  return impl_ == nullptr ? TensorDesc() : find(impl_->input_descs, text_of(name));
}

TensorDesc Operator::GetOutputDescByName(const char* name) const {
  return impl_ == nullptr ? TensorDesc() : find(impl_->output_descs, text_of(name));
}

TensorDesc Operator::GetInputDesc(uint32_t index) const {
  return index < GetInputsSize() ? GetInputDescByName(impl_->inputs[index].name.c_str()) : TensorDesc();
}

TensorDesc Operator::GetOutputDesc(uint32_t index) const {
  return index < GetOutputsSize() ? GetOutputDescByName(impl_->outputs[index].c_str()) : TensorDesc();
}

graphStatus Operator::UpdateInputDesc(const char* name, const TensorDesc& desc) {
  return update("Operator::UpdateInputDesc", impl_, name, desc, false);
}

graphStatus Operator::UpdateOutputDesc(const char* name, const TensorDesc& desc) {
  return update("Operator::UpdateOutputDesc", impl_, name, desc, true);
}

Operator& Operator::SetAttr(const char* name, int64_t value) {
  set(impl_, name, value);
  return *this;
}

Operator& Operator::SetAttr(const char* name, float value) {
  set(impl_, name, value);
  return *this;
}

Operator& Operator::SetAttr(const char* name, bool value) {
  set(impl_, name, value);
  return *this;
}

Operator& Operator::SetAttr(const char* name, DataType value) {
  set(impl_, name, value);
  return *this;
}

Operator& Operator::SetAttr(const char* name, const char* value) {
  set(impl_, name, text_of(value));
  return *this;
}

Operator& Operator::SetAttr(const char* name, const Tensor& value) {
  set(impl_, name, value);
  return *this;
}

Operator& Operator::SetAttr(const char* name, const std::vector<int64_t>& value) {
  set(impl_, name, value);
  return *this;
}

graphStatus Operator::GetAttr(const char* name, int64_t& value) const { return get(impl_, name, value); }

graphStatus Operator::GetAttr(const char* name, float& value) const { return get(impl_, name, value); }

graphStatus Operator::GetAttr(const char* name, bool& value) const { return get(impl_, name, value); }

graphStatus Operator::GetAttr(const char* name, DataType& value) const { return get(impl_, name, value); }

graphStatus Operator::GetAttr(const char* name, Tensor& value) const { return get(impl_, name, value); }

graphStatus Operator::GetAttr(const char* name, std::vector<int64_t>& value) const { return get(impl_, name, value); }

graphStatus Operator::GetAttr(const char* name, AscendString& value) const {
  std::string text;
  const graphStatus status = get(impl_, name, text);
  if (status == GRAPH_SUCCESS) value = AscendString(text.data(), text.size());
  return status;
}

void Operator::InputRegister(const char* name, const char*) {
  if (impl_ != nullptr) impl_->inputs.push_back({text_of(name), true});
}

void Operator::OptionalInputRegister(const char* name, const char*) {
  if (impl_ != nullptr) impl_->inputs.push_back({text_of(name), false});
}

void Operator::OutputRegister(const char* name, const char*) {
  if (impl_ != nullptr) impl_->outputs.push_back(text_of(name));
}

// Which attributes a node must have is the engine's to say (ge/kinds).
void Operator::RequiredAttrRegister(const char*, const char*) {}

}  // namespace ge
