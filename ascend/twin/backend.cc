// The devices ascend:950pr, ascend:950dt, ascend:a3 and ascend:a2: the package's tiling and kernel on the twin. They
// are there where this file is linked in.
#include "plan/backend.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "operator.h"
#include "plan/float_environment.h"
#include "problem/out_of_memory.h"
#include "problem/rows.h"

namespace alng::twin {
namespace {

using namespace impl;  // the rooms of src/ that a back end is made from

OperatorProblem operator_problem(const Problem& problem) {
  OperatorProblem what;
  what.rows = problem.rows();
  what.columns = problem.columns();
  what.dtype = problem.dtype();
  what.has_gamma = problem.has(grad::gamma);
  what.gamma_dtype = what.has_gamma ? problem.layout(grad::gamma)->dtype : problem.dtype();
  what.has_dsum = problem.has(grad::dsum);
  what.wants_dx = problem.has(grad::dx);
  what.wants_dgamma = problem.has(grad::dgamma);
  what.wants_dbeta = problem.has(grad::dbeta);
  return what;
}

// The kernel takes dense tensors; what is not dense is gathered into the workspace before and scattered from it after.
bool is_dense(const Rows& rows, std::int64_t columns) {
  const auto width = static_cast<std::int64_t>(dtype_size(rows.dtype)) * columns;
  return rows.dense_row && rows.row.rank == 1 && (rows.row.stride[0] == width || rows.row.extent[0] == 1);
}

class TwinExecution final : public Execution {
 public:
  TwinExecution(const Problem& problem, const Product& product, const alng_npu::TilingResult& tiling)
      : problem_(problem), product_(product), tiling_(tiling) {
    take(kernel_workspace_, tiling.workspace_bytes);
    const auto operands = problem.what().operands;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (problem.has(i)) plan(i);
    }
    if (!problem.has(grad::x2)) {
      // The package's operator has no optional x2: zeros are the same.
      tensors_[grad::x2].bytes = tensor_bytes();
      take(tensors_[grad::x2].offset, tensor_bytes());
    }
  }

  std::size_t workspace_size() const noexcept override { return size_ == 0 ? 0 : size_ + alignment - 1; }
  const char* isa() const noexcept override { return product_.architecture == 2201 ? "2201" : "3510"; }
  int threads() const noexcept override { return 1; }
  std::string explain() const override {
    std::string text = std::string("product: ") + product_.title + " (" + product_.soc + "), architecture " +
                       std::to_string(product_.architecture) + ", on a host model: exact and slow\n";
    text += "cores: " + std::to_string(tiling_.blocks) + " of " + std::to_string(product_.cores) + "\n";
    text += "tiling key: " + std::to_string(tiling_.tiling_key) + "\n";
    text += "unified buffer: " + std::to_string(tiling_.unified_buffer_bytes) + " of " +
            std::to_string(product_.ub_usable) + " bytes\n";
    text += "kernel workspace: " + std::to_string(tiling_.workspace_bytes) + " bytes\n";
    return text;
  }

  Status run(const Arguments& arguments) const noexcept override try {
    const FloatEnvironment environment;
    std::byte* const workspace = arguments.workspace_aligned_to(alignment);
    const auto input = [&](std::size_t place) {
      return problem_.has(place) ? gather(tensors_[place], arguments.data[place], workspace) : nullptr;
    };
    const auto output = [&](std::size_t place) -> void* {
      const Tensor& tensor = tensors_[place];
      return tensor.gathered ? workspace + tensor.offset : arguments.data[place];
    };
    const Tensor& x2 = tensors_[grad::x2];
    OperatorArguments to;
    to.workspace = workspace + kernel_workspace_;
    to.dy = input(grad::dy);
    to.x1 = input(grad::x1);
    to.x2 = problem_.has(grad::x2) ? input(grad::x2) : std::memset(workspace + x2.offset, 0, x2.bytes);
    to.rstd = input(grad::rstd);
    to.mean = input(grad::mean);
    to.gamma = input(grad::gamma);
    to.dsum = input(grad::dsum);
    to.dx = output(grad::dx);
    to.dgamma = output(grad::dgamma);
    to.dbeta = output(grad::dbeta);

    const Report report = twin::run(operator_problem(problem_), to, product_, tiling_, false);
    if (!report.clean()) {
      // A fault of the kernel, not of the caller: what it computes on hardware could be anything.
      return {Code::device_error, std::string("the kernel of ") + product_.title + " breaks rules of the hardware on " +
                                      problem_.to_string() + ": " + report.sentences()};
    }
    scatter(tensors_[grad::dx], workspace, arguments.data[grad::dx]);
    for (const std::size_t sums : {grad::dgamma, grad::dbeta}) {
      write_sums(tensors_[sums], workspace, arguments.data[sums]);
    }
    return {};
  } catch (...) {
    return out_of_memory();
  }

 private:
  static constexpr std::size_t alignment = 512;

  struct Tensor {
    Rows rows;
    std::int64_t count = 0;
    std::int64_t columns = 0;
    bool gathered = false;
    std::size_t offset = 0;
    std::size_t bytes = 0;
  };

  std::size_t tensor_bytes() const {
    return static_cast<std::size_t>(problem_.rows() * problem_.columns()) * dtype_size(problem_.dtype());
  }

  void take(std::size_t& offset, std::size_t bytes) {
    offset = size_;
    size_ += (bytes + alignment - 1) / alignment * alignment;
  }

  void plan(std::size_t place) {
    Tensor& tensor = tensors_[place];
    const Operand& operand = problem_.what().operands[place];
    const bool sums = operand.role == Role::column && operand.direction == Direction::output;
    tensor.rows = rows_of(problem_, place);
    tensor.count = operand.role == Role::column ? 1 : problem_.rows();
    tensor.columns = operand.role == Role::row ? 1 : problem_.columns();
    tensor.gathered = (sums && problem_.accumulate()) || !is_dense(tensor.rows, tensor.columns);
    tensor.bytes = static_cast<std::size_t>(tensor.count * tensor.columns) * dtype_size(tensor.rows.dtype);
    if (tensor.gathered) take(tensor.offset, tensor.bytes);
  }

  static const void* gather(const Tensor& tensor, const void* data, std::byte* workspace) {
    if (!tensor.gathered) return data;
    const std::size_t element = dtype_size(tensor.rows.dtype);
    const std::size_t row = static_cast<std::size_t>(tensor.columns) * element;
    for (std::int64_t r = 0; r < tensor.count; ++r) {
      gather_row(tensor.rows.column, element, static_cast<const std::byte*>(data) + tensor.rows.row.offset(r),
                 workspace + tensor.offset + static_cast<std::size_t>(r) * row, tensor.columns);
    }
    return workspace + tensor.offset;
  }

  static void scatter(const Tensor& tensor, const std::byte* workspace, void* data) {
    if (!tensor.gathered) return;
    const std::size_t element = dtype_size(tensor.rows.dtype);
    const std::size_t row = static_cast<std::size_t>(tensor.columns) * element;
    for (std::int64_t r = 0; r < tensor.count; ++r) {
      scatter_row(tensor.rows.column, element, workspace + tensor.offset + static_cast<std::size_t>(r) * row,
                  static_cast<std::byte*>(data) + tensor.rows.row.offset(r), tensor.columns);
    }
  }

  // The package's operator overwrites; adding is done here.
  void write_sums(const Tensor& tensor, std::byte* workspace, void* output) const {
    if (!tensor.gathered) return;
    auto* sums = reinterpret_cast<float*>(workspace + tensor.offset);
    if (problem_.accumulate()) {
      for (std::int64_t j = 0; j < tensor.columns; ++j) {
        float before;
        std::memcpy(&before, static_cast<std::byte*>(output) + tensor.rows.column.offset(j), sizeof before);
        sums[j] = before + sums[j];
      }
    }
    scatter(tensor, workspace, output);
  }

  Problem problem_;
  const Product& product_;
  alng_npu::TilingResult tiling_;
  std::size_t size_ = 0;
  std::size_t kernel_workspace_ = 0;
  /// By place.
  std::array<Tensor, max_operands> tensors_;
};

class TwinBackend final : public Backend {
 public:
  explicit TwinBackend(const Product& product) : product_(product), device_(std::string("ascend:") + product.device) {}
  const char* device() const noexcept override { return device_.c_str(); }
  std::vector<Availability> availability() const override {
    return {{device_, true, std::string("the kernel for ") + product_.title + " on a host model, very slow"}};
  }
  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
    if (problem.what().kind != Kind::grad) {
      return Status(Code::unsupported, device_ + " has AddLayerNormGrad alone, not " + problem.what().name +
                                           ": on the product itself CANN's own aclnnAddLayerNorm computes it");
    }
    if (!options.isa.empty()) {
      return Status(Code::unsupported,
                    device_ + " has no instruction sets to choose from, but isa is \"" + options.isa + "\"");
    }
    OperatorTiling tiling{};
    if (problem.rows() > 0 && problem.columns() > 0) {
      tiling = tile(operator_problem(problem), product_, options.threads);
      if (!tiling.refusal.empty()) return Status(Code::unsupported, tiling.refusal);
    }
    return std::unique_ptr<Execution>(std::make_unique<TwinExecution>(problem, product_, tiling.result));
  }

 private:
  const Product& product_;
  std::string device_;
};

// Where this object is linked in, the devices exist.
const bool registered = [] {
  // Kept also where another copy of this object, in another library, has registered these devices before.
  static const auto& all = *new std::vector<TwinBackend>(products().begin(), products().end());
  for (const TwinBackend& backend : all) {
    alng_internal_register_backend(backend_interface, static_cast<const Backend*>(&backend));
  }
  return true;
}();

}  // namespace
}  // namespace alng::twin
