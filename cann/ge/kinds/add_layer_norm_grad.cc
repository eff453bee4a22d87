// AddLayerNormGrad: alng's own operator.
#include <algorithm>
#include <array>
#include <utility>

#include "ge/kinds/kinds.h"
#include "operator/plan_cache.h"
#include "operator/rules.h"
#include "runtime/product.h"

namespace alng::cann::engine {
namespace {

constexpr std::size_t input_count = grad::dx;

// The graph's inputs and outputs are alng's, in the same order.
constexpr std::array<InputPort, input_count> input_ports = [] {
  std::array<InputPort, input_count> ports{};
  for (std::size_t i = 0; i < input_count; ++i) {
    ports[i] = {grad::operands[i].name, is_required(i)};
  }
  return ports;
}();
constexpr std::array<std::string_view, grad::count - input_count> output_names = [] {
  std::array<std::string_view, grad::count - input_count> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = grad::operands[input_count + i].name;
  return names;
}();

GradDescription describe(const InputSpecs& inputs, std::span<const TensorSpec> outputs,
                         const std::vector<bool>& wanted) {
  GradDescription d;
  for (std::size_t i = 0; i < input_count; ++i) {
    if (inputs[i] != nullptr) give_layout(d, i, layout_of(*inputs[i]));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (wanted[i]) give_layout(d, input_count + i, layout_of(outputs[i]));
  }
  return d;
}

class AddLayerNormGradKernel final : public Kernel {
 public:
  explicit AddLayerNormGradKernel(GradPlan plan) : plan_(std::move(plan)) {}

  std::size_t workspace_size() const override { return plan_.workspace_size(); }

  bool may_overwrite(std::size_t input, std::size_t output) const override {
    return grad::operands[input_count + output].role == alng::Role::element &&
           grad::operands[input].role == alng::Role::element;
  }

  Status run(const std::byte* const* inputs, std::byte* const* outputs, std::byte* workspace) const override {
    GradArguments a;
    for (std::size_t i = 0; i < input_count; ++i) give_pointer(a, i, inputs[i]);
    for (std::size_t i = 0; i < output_names.size(); ++i) give_pointer(a, input_count + i, outputs[i]);
    a.workspace = workspace;
    a.workspace_size = plan_.workspace_size();
    return plan_.run(a);
  }

 private:
  GradPlan plan_;
};

class AddLayerNormGrad final : public NodeKind {
 public:
  std::string_view type() const override { return "AddLayerNormGrad"; }
  std::span<const InputPort> inputs() const override { return input_ports; }
  std::span<const std::string_view> outputs() const override { return output_names; }

  Result<std::vector<TensorSpec>> infer(const Node&, const InputSpecs& inputs) const override {
    const auto given = [](const TensorSpec* input) { return input != nullptr; };
    const auto known = [](const TensorSpec* input) { return input == nullptr || input->known(); };
    TensorSpec like_dy = *inputs[grad::dy];
    for (const std::size_t i : {grad::x1, grad::x2, grad::dsum}) {
      if (given(inputs[i]) && like_dy.dtype == ge::DT_UNDEFINED) like_dy.dtype = inputs[i]->dtype;
    }
    if (Status status = check_types(inputs, like_dy.dtype); !status.ok()) return status;
    const bool has_gamma = given(inputs[grad::gamma]);
    TensorSpec sum = {ge::DT_FLOAT, has_gamma ? inputs[grad::gamma]->dims : std::nullopt};
    const bool all_known = std::all_of(inputs.begin(), inputs.end(), known);
    if (!all_known) {
      if (Status status = put_together(inputs, like_dy, sum); !status.ok()) return status;
    }
    std::vector<TensorSpec> outputs = {like_dy, sum, sum};
    if (!all_known) return outputs;
    const Result<GradProblem> problem = GradProblem::create(describe(inputs, outputs, {true, has_gamma, has_gamma}));
    if (!problem) return problem.status();
    if (!has_gamma) {
      // rstd tells how many dimensions are normalised.
      const std::vector<std::int64_t>& all = *inputs[grad::dy]->dims;
      outputs[1].dims.emplace(all.end() - problem->description().normalized_dims, all.end());
      outputs[2].dims = outputs[1].dims;
    }
    return outputs;
  }

  Result<std::shared_ptr<const Kernel>> prepare(const Node&, const InputSpecs& inputs,
                                                std::span<const TensorSpec> outputs, const std::vector<bool>& wanted,
                                                int device) const override {
    Result<GradPlan> plan = plan_for(describe(inputs, outputs, wanted), device);
    if (!plan) return plan.status();
    return std::shared_ptr<const Kernel>(std::make_shared<AddLayerNormGradKernel>(std::move(plan).value()));
  }

 private:
  // What a layout can't say, and what the product that is stood for has not; dtypes that are not known yet pass.
  static Status check_types(const InputSpecs& inputs, ge::DataType own) {
    const Product* const product = current_product();
    if (product == nullptr) return refused(check_product().sentence);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i] == nullptr || inputs[i]->dtype == ge::DT_UNDEFINED) continue;
      const ge::DataType dtype = inputs[i]->dtype;
      std::string expected;
      switch (judge_dtype(i, dtype_of(dtype), dtype_of(own), *product)) {
        case DTypeRule::kept:
          continue;
        case DTypeRule::float32:
          expected = "float32";
          break;
        case DTypeRule::supported:
          expected = product->bfloat16 ? "float32, float16 or bfloat16" : "float32 or float16";
          break;
        case DTypeRule::as_dy:
          expected = dtype_text(own) + ", the dtype of dy";
          break;
      }
      return refused(std::string(input_ports[i].name) + " is " + to_string(*inputs[i]) + " but must be " + expected +
                     (product->mixed_gamma ? "" : std::string(" on ") + product->chip));
    }
    return {};
  }

  // What inputs of which not all is known say of the outputs: each may know an extent that the others don't.
  static Status put_together(const InputSpecs& inputs, TensorSpec& like_dy, TensorSpec& sum) {
    for (const std::size_t i : {grad::x1, grad::x2, grad::dsum}) {
      if (inputs[i] == nullptr || add_known(inputs[i]->dims, like_dy.dims)) continue;
      return refused(std::string(input_ports[i].name) + " is " + to_string(*inputs[i]) + " but must be " +
                     to_string(like_dy) + ", as dy");
    }
    if (!sum.dims || !like_dy.dims) return {};
    // gamma's dimensions as the last ones of dy's.
    const std::size_t rank = like_dy.dims->size(), normalized = sum.dims->size();
    std::optional<Dims> padded = sum.dims;
    if (normalized < rank) padded->insert(padded->begin(), rank - normalized, ge::UNKNOWN_DIM);
    if (!add_known(padded, like_dy.dims)) {
      return refused("gamma is " + to_string(*inputs[grad::gamma]) + " but must have dy's trailing dimensions: dy is " +
                     to_string(like_dy));
    }
    sum.dims->assign(like_dy.dims->end() - static_cast<std::ptrdiff_t>(normalized), like_dy.dims->end());
    return {};
  }
};

}  // namespace

const NodeKind& add_layer_norm_grad_kind() {
  static const AddLayerNormGrad kind;
  return kind;
}

}  // namespace alng::cann::engine
