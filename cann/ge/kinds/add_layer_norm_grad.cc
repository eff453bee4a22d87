// AddLayerNormGrad: alng's own operator.
#include <algorithm>
#include <array>
#include <utility>

#include "aclnn/plan_cache.h"
#include "ge/kinds/kinds.h"
#include "runtime/product.h"

namespace alng::cann::engine {
namespace {

enum In : std::size_t { dy, x1, x2, rstd, mean, gamma, dsum };
enum Out : std::size_t { dx, dgamma, dbeta };
constexpr std::array<InputPort, 7> input_ports = {
    {{"dy"}, {"x1"}, {"x2"}, {"rstd"}, {"mean"}, {"gamma", false}, {"dsum", false}}};
constexpr std::array<std::string_view, 3> output_names = {"dx", "dgamma", "dbeta"};

GradDescription describe(const InputSpecs& inputs, std::span<const TensorSpec> outputs,
                         const std::vector<bool>& wanted) {
  GradDescription d;
  d.dy = layout_of(*inputs[dy]);
  d.x1 = layout_of(*inputs[x1]);
  d.x2 = layout_of(*inputs[x2]);
  d.rstd = layout_of(*inputs[rstd]);
  d.mean = layout_of(*inputs[mean]);
  if (inputs[gamma] != nullptr) d.gamma = layout_of(*inputs[gamma]);
  if (inputs[dsum] != nullptr) d.dsum = layout_of(*inputs[dsum]);
  if (wanted[dx]) d.dx = layout_of(outputs[dx]);
  if (wanted[dgamma]) d.dgamma = layout_of(outputs[dgamma]);
  if (wanted[dbeta]) d.dbeta = layout_of(outputs[dbeta]);
  return d;
}

class AddLayerNormGradKernel final : public Kernel {
 public:
  explicit AddLayerNormGradKernel(Plan plan) : plan_(std::move(plan)) {}

  std::size_t workspace_size() const override { return plan_.workspace_size(); }

  bool may_overwrite(std::size_t input, std::size_t output) const override {
    return output == dx && (input == dy || input == x1 || input == x2 || input == dsum);
  }

  Status run(const std::byte* const* inputs, std::byte* const* outputs, std::byte* workspace) const override {
    GradArguments a;
    a.dy = inputs[dy];
    a.x1 = inputs[x1];
    a.x2 = inputs[x2];
    a.rstd = reinterpret_cast<const float*>(inputs[rstd]);
    a.mean = reinterpret_cast<const float*>(inputs[mean]);
    a.gamma = inputs[gamma];
    a.dsum = inputs[dsum];
    a.dx = outputs[dx];
    a.dgamma = reinterpret_cast<float*>(outputs[dgamma]);
    a.dbeta = reinterpret_cast<float*>(outputs[dbeta]);
    a.workspace = workspace;
    a.workspace_size = plan_.workspace_size();
    return plan_.run(a);
  }

 private:
  Plan plan_;
};

class AddLayerNormGrad final : public NodeKind {
 public:
  std::string_view type() const override { return "AddLayerNormGrad"; }
  std::span<const InputPort> inputs() const override { return input_ports; }
  std::span<const std::string_view> outputs() const override { return output_names; }

  Result<std::vector<TensorSpec>> infer(const Node&, const InputSpecs& inputs) const override {
    const auto given = [](const TensorSpec* input) { return input != nullptr; };
    const auto known = [](const TensorSpec* input) { return input == nullptr || input->known(); };
    TensorSpec like_dy = *inputs[dy];
    for (const std::size_t i : {x1, x2, dsum}) {
      if (given(inputs[i]) && like_dy.dtype == ge::DT_UNDEFINED) like_dy.dtype = inputs[i]->dtype;
    }
    if (Status status = check_types(inputs, like_dy.dtype); !status.ok()) return status;
    const bool has_gamma = given(inputs[gamma]);
    TensorSpec sum = {ge::DT_FLOAT, has_gamma ? inputs[gamma]->dims : std::nullopt};
    const bool all_known = std::all_of(inputs.begin(), inputs.end(), known);
    if (!all_known) {
      if (Status status = put_together(inputs, like_dy, sum); !status.ok()) return status;
    }
    std::vector<TensorSpec> outputs = {like_dy, sum, sum};
    if (!all_known) return outputs;
    const Result<Problem> problem = Problem::create(describe(inputs, outputs, {true, has_gamma, has_gamma}));
    if (!problem) return problem.status();
    if (!has_gamma) {
      // rstd tells how many dimensions are normalised.
      const std::vector<std::int64_t>& all = *inputs[dy]->dims;
      outputs[dgamma].dims.emplace(all.end() - problem->description().normalized_dims, all.end());
      outputs[dbeta].dims = outputs[dgamma].dims;
    }
    return outputs;
  }

  Result<std::shared_ptr<const Kernel>> prepare(const Node&, const InputSpecs& inputs,
                                                std::span<const TensorSpec> outputs, const std::vector<bool>& wanted,
                                                int device) const override {
    Result<Plan> plan = plan_for(describe(inputs, outputs, wanted), device);
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
      if (i == rstd || i == mean) {
        if (dtype != ge::DT_FLOAT) expected = "float32";
      } else if (dtype == own || own == ge::DT_UNDEFINED) {
        if (!dtype_of(dtype) || (dtype == ge::DT_BF16 && !product->bfloat16)) {
          expected = product->bfloat16 ? "float32, float16 or bfloat16" : "float32 or float16";
        }
      } else if (!(i == gamma && dtype == ge::DT_FLOAT && product->mixed_gamma)) {
        expected = dtype_text(own) + ", the dtype of dy";
      }
      if (expected.empty()) continue;
      return refused(std::string(input_ports[i].name) + " is " + to_string(*inputs[i]) + " but must be " + expected +
                     (product->mixed_gamma ? "" : std::string(" on ") + product->chip));
    }
    return {};
  }

  // What inputs of which not all is known say of the outputs: each may know an extent that the others don't.
  static Status put_together(const InputSpecs& inputs, TensorSpec& like_dy, TensorSpec& sum) {
    for (const std::size_t i : {x1, x2, dsum}) {
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
      return refused("gamma is " + to_string(*inputs[gamma]) + " but must have dy's trailing dimensions: dy is " +
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
