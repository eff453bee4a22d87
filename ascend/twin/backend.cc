// The devices ascend:950pr, ascend:950dt, ascend:a3 and ascend:a2: the package's tiling and kernel on the twin. They
// are there where this file is linked in.
#include "plan/backend.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "operator.h"
#include "plan/float_environment.h"
#include "problem/rows.h"

namespace alng::twin {
namespace {

OperatorProblem operator_problem(const Problem& problem) {
  const ProblemDescription& d = problem.description();
  OperatorProblem what;
  what.rows = problem.rows();
  what.columns = problem.columns();
  what.dtype = problem.dtype();
  what.gamma_dtype = d.gamma ? d.gamma->dtype : problem.dtype();
  what.has_gamma = d.gamma.has_value();
  what.has_dsum = d.dsum.has_value();
  what.wants_dx = d.dx.has_value();
  what.wants_dgamma = d.dgamma.has_value();
  what.wants_dbeta = d.dbeta.has_value();
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
    const ProblemDescription& d = problem.description();
    take(kernel_workspace_, tiling.workspace_bytes);
    plan(dy_, d.dy, problem.rows());
    plan(x1_, d.x1, problem.rows());
    if (d.x2) {
      plan(x2_, *d.x2, problem.rows());
    } else {
      // The package's operator has no optional x2: zeros are the same.
      x2_.bytes = tensor_bytes();
      take(x2_.offset, x2_.bytes);
    }
    plan(rstd_, d.rstd, problem.rows(), true);
    plan(mean_, d.mean, problem.rows(), true);
    if (d.gamma) plan(gamma_, *d.gamma, 1);
    if (d.dsum) plan(dsum_, *d.dsum, problem.rows());
    if (d.dx) plan(dx_, *d.dx, problem.rows());
    if (d.dgamma) plan(dgamma_, *d.dgamma, 1, false, d.accumulate);
    if (d.dbeta) plan(dbeta_, *d.dbeta, 1, false, d.accumulate);
  }

  std::size_t workspace_size() const noexcept override { return size_ == 0 ? 0 : size_ + alignment; }
  std::string_view isa() const noexcept override { return product_.architecture == 2201 ? "2201" : "3510"; }
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

  void run(const Arguments& a) const noexcept override {
    const FloatEnvironment environment;
    const ProblemDescription& d = problem_.description();
    const auto address = reinterpret_cast<std::uintptr_t>(a.workspace);
    std::byte* workspace = static_cast<std::byte*>(a.workspace) + (-address % alignment);
    OperatorArguments to;
    to.workspace = workspace + kernel_workspace_;
    to.dy = gather(dy_, a.dy, workspace);
    to.x1 = gather(x1_, a.x1, workspace);
    to.x2 = d.x2 ? gather(x2_, a.x2, workspace) : std::memset(workspace + x2_.offset, 0, x2_.bytes);
    to.rstd = gather(rstd_, a.rstd, workspace);
    to.mean = gather(mean_, a.mean, workspace);
    if (d.gamma) to.gamma = gather(gamma_, a.gamma, workspace);
    if (d.dsum) to.dsum = gather(dsum_, a.dsum, workspace);
    if (d.dx) to.dx = dx_.gathered ? workspace + dx_.offset : a.dx;
    if (d.dgamma) to.dgamma = dgamma_.gathered ? workspace + dgamma_.offset : static_cast<void*>(a.dgamma);
    if (d.dbeta) to.dbeta = dbeta_.gathered ? workspace + dbeta_.offset : static_cast<void*>(a.dbeta);

    const Report report = twin::run(operator_problem(problem_), to, product_, tiling_, false);
    if (!report.clean()) {
      // A fault of the kernel, not of the caller: what it computed on hardware would be anything.
      std::fprintf(stderr, "alng: the kernel of %s breaks rules of the hardware on %s:\n%s", product_.title,
                   problem_.to_string().c_str(), report.sentences().c_str());
      std::abort();
    }
    if (d.dx) scatter(dx_, workspace, a.dx);
    if (d.dgamma) write_sums(dgamma_, workspace, a.dgamma);
    if (d.dbeta) write_sums(dbeta_, workspace, a.dbeta);
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

  void plan(Tensor& tensor, const TensorLayout& layout, std::int64_t rows, bool statistic = false,
            bool always = false) {
    const int trailing = statistic ? 0 : problem_.description().normalized_dims;
    tensor.rows = rows_of(layout, trailing);
    tensor.count = rows;
    tensor.columns = statistic ? 1 : problem_.columns();
    tensor.gathered = always || !is_dense(tensor.rows, tensor.columns);
    tensor.bytes = static_cast<std::size_t>(rows * tensor.columns) * dtype_size(layout.dtype);
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
  void write_sums(const Tensor& tensor, std::byte* workspace, float* output) const {
    if (!tensor.gathered) return;
    auto* sums = reinterpret_cast<float*>(workspace + tensor.offset);
    if (problem_.description().accumulate) {
      for (std::int64_t j = 0; j < tensor.columns; ++j) {
        float before;
        std::memcpy(&before, reinterpret_cast<std::byte*>(output) + tensor.rows.column.offset(j), sizeof before);
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
  Tensor dy_, x1_, x2_, rstd_, mean_, gamma_, dsum_, dx_, dgamma_, dbeta_;
};

class TwinBackend final : public Backend {
 public:
  explicit TwinBackend(const Product& product) : product_(product), device_(std::string("ascend:") + product.device) {}
  std::string_view device() const noexcept override { return device_; }
  // A model is for those who ask for it.
  bool chosen_unasked() const noexcept override { return false; }
  Availability availability() const override {
    return {device_, true, std::string("the kernel for ") + product_.title + " on a host model, very slow"};
  }
  Result<std::unique_ptr<Execution>> plan(const Problem& problem, const PlanOptions& options) const override {
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
  for (const TwinBackend& backend : all) register_backend(backend);
  return true;
}();

}  // namespace
}  // namespace alng::twin
