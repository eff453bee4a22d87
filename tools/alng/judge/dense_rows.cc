#include "judge/dense_rows.h"

#include <fmt/format.h>

#include <array>

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

// Runs a problem on the device `reference`.
template <class Operator>
void run_on_reference(const typename Operator::Description& description, typename Operator::Arguments arguments) {
  PlanOptions options;
  options.device = "reference";
  const auto plan = or_fail(PlanOf<Operator>::create(or_fail(ProblemOf<Operator>::create(description)), options));
  const Buffer workspace(plan.workspace_size());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.bytes().size();
  or_fail(plan.run(arguments));
}

}  // namespace

DenseGrad::DenseGrad(const TensorFile& file, const GradProblem& problem)
    : rows(problem.rows()),
      columns(problem.columns()),
      dy(*file.find("dy")),
      x1(*file.find("x1")),
      x2(optional_tensor(file, "x2")),
      rstd(*file.find("rstd")),
      mean(*file.find("mean")),
      gamma(optional_tensor(file, "gamma")),
      dsum(optional_tensor(file, "dsum")) {}

void DenseGrad::read_x(std::int64_t row, double* out) const {
  x1.read(row * columns, columns, out);
  if (!x2) return;
  for (std::int64_t j = 0; j < columns; ++j) {
    out[j] = static_cast<float>(out[j]) + static_cast<float>(x2->value(row * columns + j));
  }
}

DenseGrad::Part DenseGrad::part(std::int64_t begin, std::int64_t count) const {
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

void DenseGrad::oracle(std::int64_t begin, std::int64_t count, double* dx, double* dgamma, double* dbeta) const {
  const auto [description, arguments] = part(begin, count);
  const GradProblem problem = or_fail(GradProblem::create(description));
  or_fail(alng::oracle(problem, arguments, {.dx = dx, .dgamma = dgamma, .dbeta = dbeta}));
}

void DenseGrad::canonical(std::int64_t begin, std::int64_t count, std::byte* dx, float* dgamma, float* dbeta) const {
  auto [description, arguments] = part(begin, count);
  if (dx != nullptr) description.dx = description.dy;
  if (dgamma != nullptr) description.dgamma = TensorLayout::contiguous(DType::float32, {columns});
  if (dbeta != nullptr) description.dbeta = TensorLayout::contiguous(DType::float32, {columns});
  arguments.dx = dx;
  arguments.dgamma = dgamma;
  arguments.dbeta = dbeta;
  run_on_reference<Grad>(description, arguments);
}

DenseForward::DenseForward(const TensorFile& file, const ForwardProblem& problem)
    : rows(problem.rows()),
      columns(problem.columns()),
      x1(*file.find("x1")),
      x2(optional_tensor(file, "x2")),
      gamma(optional_tensor(file, "gamma")),
      beta(optional_tensor(file, "beta")),
      eps(problem.description().eps),
      round_sum(problem.description().round_sum) {}

DenseForward::Part DenseForward::part(std::int64_t begin, std::int64_t count) const {
  const TensorLayout matrix = TensorLayout::contiguous(x1.dtype(), {count, columns});
  Part part;
  auto& [description, arguments] = part;
  description.x1 = matrix;
  if (x2) description.x2 = matrix;
  if (gamma) description.gamma = TensorLayout::contiguous(gamma->dtype(), {columns});
  if (beta) description.beta = TensorLayout::contiguous(beta->dtype(), {columns});
  description.normalized_dims = 1;
  description.eps = eps;
  description.round_sum = round_sum;

  arguments.x1 = x1.at(begin * columns);
  if (x2) arguments.x2 = x2->at(begin * columns);
  if (gamma) arguments.gamma = gamma->at(0);
  if (beta) arguments.beta = beta->at(0);
  return part;
}

void DenseForward::oracle(std::int64_t begin, std::int64_t count, const ForwardOracleOutputs& outputs) const {
  const auto [description, arguments] = part(begin, count);
  or_fail(alng::oracle(or_fail(ForwardProblem::create(description)), arguments, outputs));
}

void DenseForward::canonical(std::int64_t row, std::byte* y, float* mean, float* rstd) const {
  auto [description, arguments] = part(row, 1);
  description.y = description.x1;
  description.mean = description.rstd = TensorLayout::contiguous(DType::float32, {1, 1});
  arguments.y = y;
  arguments.mean = mean;
  arguments.rstd = rstd;
  run_on_reference<Forward>(description, arguments);
}

}  // namespace alng::cli
