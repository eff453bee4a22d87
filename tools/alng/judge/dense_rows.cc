#include "judge/dense_rows.h"

#include <fmt/format.h>

#include <array>

#include "alng/oracle.hpp"
#include "judge/computation.h"
#include "judge/element.h"

namespace alng::cli {

DenseTensor::DenseTensor(const FileTensor& tensor) : dtype_(*tensor.dtype), data_(tensor.data.data()) {
  if (!tensor.column_major || tensor.shape.size() < 2 || tensor.data.empty()) return;
  const std::size_t size = dtype_size(dtype_);
  const std::size_t rank = tensor.shape.size();
  std::vector<std::int64_t> index(rank, 0), stride(rank, 1);
  for (std::size_t d = 1; d < rank; ++d) stride[d] = stride[d - 1] * tensor.shape[d - 1];
  copy_.resize(tensor.data.size());
  std::int64_t from = 0;
  for (std::size_t to = 0; to < copy_.size(); to += size) {
    std::memcpy(&copy_[to], data_ + from * static_cast<std::int64_t>(size), size);
    for (std::size_t d = rank; d-- > 0;) {
      from += stride[d];
      if (++index[d] < tensor.shape[d]) break;
      from -= stride[d] * tensor.shape[d];
      index[d] = 0;
    }
  }
}

double DenseTensor::value(std::int64_t index) const { return load_element(dtype_, at(index)); }

void DenseTensor::read(std::int64_t begin, std::int64_t count, double* out) const {
  const std::byte* element = at(begin);
  const auto size = static_cast<std::int64_t>(dtype_size(dtype_));
  for (std::int64_t j = 0; j < count; ++j) out[j] = load_element(dtype_, element + j * size);
}

namespace {

std::optional<DenseTensor> optional_tensor(const TensorFile& file, std::string_view name) {
  const FileTensor* tensor = file.find(name);
  if (tensor == nullptr) return std::nullopt;
  return DenseTensor(*tensor);
}

}  // namespace

DenseProblem::DenseProblem(const ProblemFile<Grad>& problem)
    : rows(problem.problem.rows()),
      columns(problem.problem.columns()),
      dy(*problem.file.find("dy")),
      x1(*problem.file.find("x1")),
      x2(optional_tensor(problem.file, "x2")),
      rstd(*problem.file.find("rstd")),
      mean(*problem.file.find("mean")),
      gamma(optional_tensor(problem.file, "gamma")),
      dsum(optional_tensor(problem.file, "dsum")) {}

void DenseProblem::read_x(std::int64_t row, double* out) const {
  x1.read(row * columns, columns, out);
  if (!x2) return;
  for (std::int64_t j = 0; j < columns; ++j) {
    out[j] = static_cast<float>(out[j]) + static_cast<float>(x2->value(row * columns + j));
  }
}

DenseProblem::Part DenseProblem::part(std::int64_t begin, std::int64_t count) const {
  const TensorLayout matrix = TensorLayout::contiguous(dy.dtype(), {count, columns});
  Part part;
  auto& [description, arguments] = part;
  description.dy = description.x1 = matrix;
  if (x2) description.x2 = matrix;
  if (dsum) description.dsum = matrix;
  description.rstd = description.mean = TensorLayout::contiguous(DType::float32, {count, 1});
  if (gamma) description.gamma = TensorLayout::contiguous(gamma->dtype(), {columns});
  description.normalized_dims = 1;

  arguments.dy = dy.at(begin * columns);
  arguments.x1 = x1.at(begin * columns);
  if (x2) arguments.x2 = x2->at(begin * columns);
  if (dsum) arguments.dsum = dsum->at(begin * columns);
  arguments.rstd = reinterpret_cast<const float*>(rstd.at(begin));
  arguments.mean = reinterpret_cast<const float*>(mean.at(begin));
  if (gamma) arguments.gamma = gamma->at(0);
  return part;
}

void DenseProblem::oracle(std::int64_t begin, std::int64_t count, double* dx, double* dgamma, double* dbeta) const {
  const auto [description, arguments] = part(begin, count);
  const GradProblem problem = or_fail(GradProblem::create(description));
  or_fail(alng::oracle(problem, arguments, {.dx = dx, .dgamma = dgamma, .dbeta = dbeta}));
}

void DenseProblem::canonical(std::int64_t begin, std::int64_t count, std::byte* dx, float* dgamma, float* dbeta) const {
  auto [description, arguments] = part(begin, count);
  if (dx != nullptr) description.dx = description.dy;
  if (dgamma != nullptr) description.dgamma = TensorLayout::contiguous(DType::float32, {columns});
  if (dbeta != nullptr) description.dbeta = TensorLayout::contiguous(DType::float32, {columns});
  PlanOptions options;
  options.device = "reference";
  const GradPlan plan = or_fail(GradPlan::create(or_fail(GradProblem::create(description)), options));
  const Buffer workspace(plan.workspace_size());
  arguments.dx = dx;
  arguments.dgamma = dgamma;
  arguments.dbeta = dbeta;
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.bytes().size();
  or_fail(plan.run(arguments));
}

}  // namespace alng::cli
