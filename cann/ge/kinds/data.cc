// Data: a tensor that each run brings.
#include <array>

#include "ge/kinds/kinds.h"

namespace alng::cann::engine {
namespace {

constexpr std::array<std::string_view, 1> output_names = {"y"};

class Data final : public NodeKind {
 public:
  std::string_view type() const override { return "Data"; }
  Role role() const override { return Role::fed; }
  // x, which the declaration has, stands for the tensor of the run: there is nothing to connect.
  std::span<const InputPort> inputs() const override { return {}; }
  std::span<const std::string_view> outputs() const override { return output_names; }

  // Programs describe x, y or both.
  Status read(const ge::OperatorImpl& op, Node& node) const override {
    const auto x = op.input_descs.find("x"), y = op.output_descs.find("y");
    TensorSpec of_x, of_y;
    if (x != op.input_descs.end()) {
      Result<TensorSpec> spec = spec_of(x->second);
      if (!spec) return refused("input x: " + spec.status().message());
      of_x = std::move(spec).value();
    }
    if (y != op.output_descs.end()) {
      Result<TensorSpec> spec = spec_of(y->second);
      if (!spec) return refused("output y: " + spec.status().message());
      of_y = std::move(spec).value();
    }
    const bool both = x != op.input_descs.end() && y != op.output_descs.end();
    if (both && !(of_x == of_y) && !fits(of_x, of_y) && !fits(of_y, of_x)) {
      return refused("its input x is described as " + to_string(of_x) + " but its output y as " + to_string(of_y) +
                     ", which are the same tensor");
    }
    // Of two descriptions the narrower one.
    node.told = y == op.output_descs.end() || (both && fits(of_x, of_y)) ? of_x : of_y;
    return {};
  }
};

}  // namespace

const NodeKind& data_kind() {
  static const Data kind;
  return kind;
}

}  // namespace alng::cann::engine
