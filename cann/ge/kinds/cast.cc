// Cast: the same numbers in another dtype.
#include <array>
#include <cstring>

#include "ge/kinds/elements.h"
#include "ge/kinds/kinds.h"

namespace alng::cann::engine {
namespace {

constexpr std::array<InputPort, 1> input_ports = {{{"x"}}};
constexpr std::array<std::string_view, 1> output_names = {"y"};

class CastKernel final : public Kernel {
 public:
  CastKernel(DType from, DType to, std::size_t count) : from_(from), to_(to), count_(count) {}

  // Element by element in order; one of another size would lie over elements that are not read yet.
  bool may_overwrite(std::size_t, std::size_t) const override { return dtype_size(from_) == dtype_size(to_); }

  Status run(const std::byte* const* inputs, std::byte* const* outputs, std::byte*) const override {
    if (count_ == 0) return {};
    if (from_ == to_) {
      if (inputs[0] != outputs[0]) std::memcpy(outputs[0], inputs[0], count_ * dtype_size(to_));
      return {};
    }
    const StandardFloats standard;
    with_elements(from_, [&](auto from) {
      with_elements(to_, [&](auto to) {
        using From = decltype(from);
        using To = decltype(to);
        const auto* const x = reinterpret_cast<const typename From::Stored*>(inputs[0]);
        auto* const y = reinterpret_cast<typename To::Stored*>(outputs[0]);
        for (std::size_t i = 0; i < count_; ++i) y[i] = To::narrow(From::widen(x[i]));
      });
    });
    return {};
  }

 private:
  DType from_;
  DType to_;
  std::size_t count_;
};

class Cast final : public NodeKind {
 public:
  std::string_view type() const override { return "Cast"; }
  std::span<const InputPort> inputs() const override { return input_ports; }
  std::span<const std::string_view> outputs() const override { return output_names; }

  Status read(const ge::OperatorImpl&, Node& node) const override {
    const auto found = node.attributes.find("dst_type");
    if (found == node.attributes.end()) return refused("its attribute dst_type is not set");
    // Declared as a number; programs also set the enumerator itself.
    if (const auto* const dtype = std::get_if<ge::DataType>(&found->second)) {
      found->second = static_cast<std::int64_t>(*dtype);
    }
    const auto* const number = std::get_if<std::int64_t>(&found->second);
    if (number == nullptr) return refused("its attribute dst_type must be the number of a dtype");
    if (!dtype_of(static_cast<ge::DataType>(*number)) || *number < 0 || *number > ge::DT_UNDEFINED) {
      return refused("its attribute dst_type is " + std::to_string(*number) +
                     " but must be 0 (float32), 1 (float16) or 27 (bfloat16)");
    }
    return {};
  }

  Result<std::vector<TensorSpec>> infer(const Node& node, const InputSpecs& inputs) const override {
    if (inputs[0]->dtype != ge::DT_UNDEFINED && !dtype_of(inputs[0]->dtype)) {
      return refused("x is " + to_string(*inputs[0]) + " but must be float32, float16 or bfloat16");
    }
    TensorSpec y = *inputs[0];
    y.dtype = static_cast<ge::DataType>(std::get<std::int64_t>(node.attributes.at("dst_type")));
    return std::vector<TensorSpec>{y};
  }

  Result<std::shared_ptr<const Kernel>> prepare(const Node&, const InputSpecs& inputs,
                                                std::span<const TensorSpec> outputs, const std::vector<bool>&,
                                                int) const override {
    std::size_t count = 1;
    for (const std::int64_t extent : *inputs[0]->dims) count *= static_cast<std::size_t>(extent);
    return std::shared_ptr<const Kernel>(
        std::make_shared<CastKernel>(*dtype_of(inputs[0]->dtype), *dtype_of(outputs[0].dtype), count));
  }
};

}  // namespace

const NodeKind& cast_kind() {
  static const Cast kind;
  return kind;
}

}  // namespace alng::cann::engine
