#include "reference/oracle.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "problem/element.h"
#include "problem/out_of_memory.h"
#include "problem/rows.h"

namespace alng::impl {
namespace {

// Neumaier's compensated sum. His branch on which operand is larger is replaced by Knuth's two-sum, which yields the
// same rounding error of every addition without a branch, so that the column sums vectorise.
inline void add(double value, double& sum, double& error) noexcept {
  const double next = sum + value;
  const double of_value = next - sum;
  error += (sum - (next - of_value)) + (value - of_value);
  sum = next;
}

// Once a sum is infinite its error term is NaN and means nothing.
inline double total(double sum, double error) noexcept { return std::isfinite(sum) ? sum + error : sum; }

/// Reads any row of one tensor as float32.
class RowReader {
 public:
  RowReader(const Problem& problem, const Arguments& arguments, std::size_t place)
      : rows_(rows_of(problem, place)),
        data_(static_cast<const std::byte*>(arguments.data[place])),
        values_(static_cast<std::size_t>(problem.columns())) {}

  const float* read(std::int64_t row) noexcept {
    const std::byte* const first = data_ + rows_.row.offset(row);
    const auto columns = static_cast<std::int64_t>(values_.size());
    for (std::int64_t j = 0; j < columns; ++j) {
      values_[static_cast<std::size_t>(j)] = load(first + rows_.column.offset(j), rows_.dtype);
    }
    return values_.data();
  }
  /// Of a tensor with a value for each row. It has as many trailing 1s as there are normalised dimensions, one or none;
  /// either way its one row of dimensions is all there is, in row-major order.
  float value(std::int64_t row) const noexcept { return load(data_ + rows_.row.offset(row), rows_.dtype); }

 private:
  Rows rows_;
  const std::byte* data_;
  std::vector<float> values_;
};

/// Nothing where the problem does not have the tensor.
std::optional<RowReader> reader_of(const Problem& problem, const Arguments& arguments, std::size_t place) {
  if (!problem.has(place)) return std::nullopt;
  return RowReader(problem, arguments, place);
}

/// A value for each column; `absent` where the problem does not have the tensor.
std::vector<double> columns_of(const Problem& problem, const Arguments& arguments, std::size_t place, double absent) {
  std::vector<double> values(static_cast<std::size_t>(problem.columns()), absent);
  if (auto row = reader_of(problem, arguments, place)) std::copy_n(row->read(0), values.size(), values.begin());
  return values;
}

void compute(const Problem& problem, const Arguments& arguments, const ForwardOracleOutputs& outputs) {
  const std::int64_t columns = problem.columns();
  const auto n = static_cast<std::size_t>(columns);
  RowReader x1(problem, arguments, forward::x1);
  std::optional<RowReader> x2 = reader_of(problem, arguments, forward::x2);
  const std::vector<double> gamma = columns_of(problem, arguments, forward::gamma, 1.0);
  const std::vector<double> beta = columns_of(problem, arguments, forward::beta, 0.0);
  std::vector<double> x(n);

  for (std::int64_t i = 0; i < problem.rows(); ++i) {
    const float* x1_row = x1.read(i);
    const float* x2_row = x2 ? x2->read(i) : nullptr;
    double sum = 0, sum_error = 0, squares = 0, squares_error = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const float formed = x2_row != nullptr ? x1_row[j] + x2_row[j] : x1_row[j];
      x[j] = problem.round_sum() ? rounded(formed, problem.dtype()) : formed;
      add(x[j], sum, sum_error);
    }
    const double mean = total(sum, sum_error) / static_cast<double>(columns);
    for (std::size_t j = 0; j < n; ++j) add((x[j] - mean) * (x[j] - mean), squares, squares_error);
    const double variance = total(squares, squares_error) / static_cast<double>(columns);
    const double rstd = 1 / std::sqrt(variance + static_cast<double>(problem.eps()));
    if (outputs.mean != nullptr) outputs.mean[i] = mean;
    if (outputs.rstd != nullptr) outputs.rstd[i] = rstd;
    if (outputs.x != nullptr) std::copy(x.begin(), x.end(), outputs.x + i * columns);
    if (outputs.y == nullptr) continue;
    for (std::size_t j = 0; j < n; ++j) outputs.y[i * columns + j] = (x[j] - mean) * rstd * gamma[j] + beta[j];
  }
}

void compute(const Problem& problem, const Arguments& arguments, const GradOracleOutputs& outputs) {
  const std::int64_t columns = problem.columns();
  const auto n = static_cast<std::size_t>(columns);
  RowReader dy(problem, arguments, grad::dy);
  RowReader x1(problem, arguments, grad::x1);
  std::optional<RowReader> x2 = reader_of(problem, arguments, grad::x2);
  std::optional<RowReader> dsum;
  if (outputs.dx != nullptr) dsum = reader_of(problem, arguments, grad::dsum);
  const RowReader rstd_reader(problem, arguments, grad::rstd), mean_reader(problem, arguments, grad::mean);
  const std::vector<double> gamma = columns_of(problem, arguments, grad::gamma, 1.0);
  std::vector<double> w(n), h(n);
  std::vector<double> dgamma(n), dgamma_error(n), dbeta(n), dbeta_error(n);

  for (std::int64_t i = 0; i < problem.rows(); ++i) {
    const float* dy_row = dy.read(i);
    const float* x1_row = x1.read(i);
    const float* x2_row = x2 ? x2->read(i) : nullptr;
    const double rstd = rstd_reader.value(i);
    const double mean = mean_reader.value(i);
    for (std::size_t j = 0; j < n; ++j) {
      const float x = x2_row != nullptr ? x1_row[j] + x2_row[j] : x1_row[j];
      h[j] = (x - mean) * rstd;
      w[j] = dy_row[j] * gamma[j];
    }
    if (outputs.dgamma != nullptr) {
      for (std::size_t j = 0; j < n; ++j) add(dy_row[j] * h[j], dgamma[j], dgamma_error[j]);
    }
    if (outputs.dbeta != nullptr) {
      for (std::size_t j = 0; j < n; ++j) add(dy_row[j], dbeta[j], dbeta_error[j]);
    }
    if (outputs.dx == nullptr) continue;
    double s1 = 0, s1_error = 0, s2 = 0, s2_error = 0;
    for (std::size_t j = 0; j < n; ++j) {
      add(w[j], s1, s1_error);
      add(w[j] * h[j], s2, s2_error);
    }
    const double m1 = total(s1, s1_error) / static_cast<double>(columns);
    const double m2 = total(s2, s2_error) / static_cast<double>(columns);
    double* dx = outputs.dx + i * columns;
    for (std::size_t j = 0; j < n; ++j) dx[j] = rstd * (w[j] - m1 - h[j] * m2);
    if (dsum) {
      const float* dsum_row = dsum->read(i);
      for (std::size_t j = 0; j < n; ++j) dx[j] += dsum_row[j];
    }
  }
  for (std::size_t j = 0; j < n; ++j) {
    if (outputs.dgamma != nullptr) outputs.dgamma[j] = total(dgamma[j], dgamma_error[j]);
    if (outputs.dbeta != nullptr) outputs.dbeta[j] = total(dbeta[j], dbeta_error[j]);
  }
}

template <class Outputs>
Status guarded_oracle(const Problem& problem, const Arguments& arguments, const Outputs& outputs) noexcept {
  if (Status inputs = check_inputs(problem, arguments); !inputs.ok()) return inputs;
  if (problem.columns() == 0) return {};
  // A host that rounds another way or flushes denormals must not bend what results are judged by.
  std::fenv_t host;
  std::feholdexcept(&host);
  std::fesetenv(FE_DFL_ENV);
  Status status;
  try {
    compute(problem, arguments, outputs);
  } catch (...) {
    status = out_of_memory();
  }
  std::fesetenv(&host);
  return status;
}

}  // namespace

Status oracle(const Problem& problem, const Arguments& arguments, const ForwardOracleOutputs& outputs) noexcept {
  return guarded_oracle(problem, arguments, outputs);
}
Status oracle(const Problem& problem, const Arguments& arguments, const GradOracleOutputs& outputs) noexcept {
  return guarded_oracle(problem, arguments, outputs);
}

}  // namespace alng::impl
