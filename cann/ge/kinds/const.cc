// Const: a tensor that the graph brings.
#include <array>
#include <cstring>

#include "ge/aligned_memory.h"
#include "ge/kinds/kinds.h"

namespace alng::cann::engine {
namespace {

constexpr std::array<std::string_view, 1> output_names = {"y"};

class Const final : public NodeKind {
 public:
  std::string_view type() const override { return "Const"; }
  Role role() const override { return Role::constant; }
  std::span<const InputPort> inputs() const override { return {}; }
  std::span<const std::string_view> outputs() const override { return output_names; }

  Status read(const ge::OperatorImpl& op, Node& node) const override {
    const auto found = node.attributes.find("value");
    const ge::Tensor* const value = found == node.attributes.end() ? nullptr : std::get_if<ge::Tensor>(&found->second);
    if (value == nullptr) return refused("it has no attribute value, which must be a tensor");
    // The tensor's own description counts, and where it has none, what is said of the output.
    TensorSpec told;
    if (const auto y = op.output_descs.find("y"); y != op.output_descs.end()) {
      Result<TensorSpec> spec = spec_of(y->second);
      if (!spec) return refused("output y: " + spec.status().message());
      told = std::move(spec).value();
    }
    if (Status status = spec_of(*value, told, node.told); !status.ok()) {
      return refused("its value " + status.message());
    }
    AlignedMemory copy = allocate_aligned(value->GetSize());
    if (copy != nullptr) std::memcpy(copy.get(), value->GetData(), value->GetSize());
    node.constant = std::move(copy);
    node.attributes.erase(found);
    return {};
  }
};

}  // namespace

const NodeKind& const_kind() {
  static const Const kind;
  return kind;
}

}  // namespace alng::cann::engine
