// Add: the sum of two tensors, broadcast to one shape.
#include <algorithm>
#include <array>

#include "ge/kinds/elements.h"
#include "ge/kinds/kinds.h"

namespace alng::cann::engine {
namespace {

constexpr std::array<InputPort, 2> input_ports = {{{"x1"}, {"x2"}}};
constexpr std::array<std::string_view, 1> output_names = {"y"};

// A dense tensor's strides along the dimensions of a shape it is broadcast to; 0 where it repeats.
Dims broadcast_strides(const Dims& dims, std::size_t rank) {
  Dims strides(rank, 0);
  std::int64_t stride = 1;
  for (std::size_t d = dims.size(); d-- > 0;) {
    if (dims[d] != 1) strides[rank - dims.size() + d] = stride;
    stride *= dims[d];
  }
  return strides;
}

class AddKernel final : public Kernel {
 public:
  AddKernel(DType dtype, const Dims& x1, const Dims& x2, const Dims& y)
      : dtype_(dtype), y_(y), same_{x1 == y, x2 == y} {
    strides_[0] = broadcast_strides(x1, y.size());
    strides_[1] = broadcast_strides(x2, y.size());
    // The usual sum: one row is the whole tensor. Two scalars are of this kind, so that there is always a row.
    if (same_[0] && same_[1]) {
      std::int64_t count = 1;
      for (const std::int64_t extent : y_) count *= extent;
      y_ = {count};
      strides_[0] = strides_[1] = {1};
    }
  }

  bool may_overwrite(std::size_t input, std::size_t) const override { return same_[input]; }

  Status run(const std::byte* const* inputs, std::byte* const* outputs, std::byte*) const override {
    if (std::count(y_.begin(), y_.end(), 0) > 0) return {};
    const StandardFloats standard;
    with_elements(dtype_, [&](auto elements) { add<decltype(elements)>(inputs, outputs[0]); });
    return {};
  }

 private:
  template <class Elements>
  void add(const std::byte* const* inputs, std::byte* output) const {
    using Stored = typename Elements::Stored;
    const auto* x1 = reinterpret_cast<const Stored*>(inputs[0]);
    const auto* x2 = reinterpret_cast<const Stored*>(inputs[1]);
    auto* y = reinterpret_cast<Stored*>(output);
    const std::size_t outer = y_.size() - 1;
    const std::int64_t length = y_.back(), step1 = strides_[0].back(), step2 = strides_[1].back();
    Dims index(outer, 0);
    while (true) {
      for (std::int64_t i = 0; i < length; ++i) {
        y[i] = Elements::narrow(Elements::widen(x1[i * step1]) + Elements::widen(x2[i * step2]));
      }
      y += length;
      std::size_t d = outer;
      while (d-- > 0) {
        x1 += strides_[0][d];
        x2 += strides_[1][d];
        if (++index[d] < y_[d]) break;
        x1 -= strides_[0][d] * y_[d];
        x2 -= strides_[1][d] * y_[d];
        index[d] = 0;
      }
      if (d == nothing) return;
    }
  }

  DType dtype_;
  Dims y_;
  std::array<bool, 2> same_;
  std::array<Dims, 2> strides_;
};

class Add final : public NodeKind {
 public:
  std::string_view type() const override { return "Add"; }
  std::span<const InputPort> inputs() const override { return input_ports; }
  std::span<const std::string_view> outputs() const override { return output_names; }

  Result<std::vector<TensorSpec>> infer(const Node&, const InputSpecs& inputs) const override {
    const TensorSpec &x1 = *inputs[0], &x2 = *inputs[1];
    for (std::size_t i = 0; i < 2; ++i) {
      if (inputs[i]->dtype == ge::DT_UNDEFINED || dtype_of(inputs[i]->dtype)) continue;
      const ge::DataType other = inputs[1 - i]->dtype;
      return refused(std::string(input_ports[i].name) + " is " + to_string(*inputs[i]) + " but must be " +
                     (dtype_of(other) ? dtype_text(other) + ", the dtype of " + std::string(input_ports[1 - i].name)
                                      : "float32, float16 or bfloat16"));
    }
    const bool open = x1.dtype == ge::DT_UNDEFINED || x2.dtype == ge::DT_UNDEFINED;
    if (!open && x1.dtype != x2.dtype) {
      return refused("x2 is " + to_string(x2) + " but must be " + dtype_text(x1.dtype) + ", the dtype of x1");
    }
    TensorSpec y;
    y.dtype = x1.dtype != ge::DT_UNDEFINED ? x1.dtype : x2.dtype;
    if (!x1.dims || !x2.dims) return std::vector<TensorSpec>{y};
    y.dims = Dims(std::max(x1.dims->size(), x2.dims->size()));
    for (std::size_t back = 1; back <= y.dims->size(); ++back) {
      const auto extent_of = [back](const Dims& dims) { return back <= dims.size() ? dims[dims.size() - back] : 1; };
      const std::int64_t a = extent_of(*x1.dims), b = extent_of(*x2.dims);
      if (a != b && a > 1 && b > 1) return not_broadcast(x1, x2, a, b);
      // 0 meets 1 and itself alone. An extent that is not known meets any, and becomes it unless that is 1.
      if (a != b && ((a == 0 && b > 1) || (b == 0 && a > 1))) return not_broadcast(x1, x2, a, b);
      (*y.dims)[y.dims->size() - back] = a == 1 ? b : b == 1 ? a : std::max(a, b);
    }
    return std::vector<TensorSpec>{y};
  }

  Result<std::shared_ptr<const Kernel>> prepare(const Node&, const InputSpecs& inputs,
                                                std::span<const TensorSpec> outputs, const std::vector<bool>&,
                                                int) const override {
    return std::shared_ptr<const Kernel>(
        std::make_shared<AddKernel>(*dtype_of(outputs[0].dtype), *inputs[0]->dims, *inputs[1]->dims, *outputs[0].dims));
  }

 private:
  static Status not_broadcast(const TensorSpec& x1, const TensorSpec& x2, std::int64_t a, std::int64_t b) {
    return refused("x2 is " + to_string(x2) + " beside x1 of " + to_string(x1) +
                   ", but aligned at the last dimension, extents must be equal or one of them 1; " + std::to_string(a) +
                   " and " + std::to_string(b) + " are not");
  }
};

}  // namespace

const NodeKind& add_kind() {
  static const Add kind;
  return kind;
}

}  // namespace alng::cann::engine
