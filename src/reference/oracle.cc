#include "reference/oracle.h"

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

void widen(DType dtype, const std::byte* dense, std::int64_t columns, float* out) noexcept {
  if (dtype == DType::float32) {
    std::memcpy(out, dense, static_cast<std::size_t>(columns) * sizeof(float));
    return;
  }
  for (std::int64_t j = 0; j < columns; ++j) {
    std::uint16_t bits;
    std::memcpy(&bits, dense + 2 * j, sizeof bits);
    out[j] = dtype == DType::float16 ? float32_from_float16(bits) : float32_from_bfloat16(bits);
  }
}

/// Reads any row of one tensor as float32.
class RowReader {
 public:
  RowReader(const Rows& rows, const void* data, std::int64_t columns)
      : rows_(rows),
        data_(static_cast<const std::byte*>(data)),
        columns_(columns),
        values_(static_cast<std::size_t>(columns)),
        gathered_(rows_.dense_row ? 0 : static_cast<std::size_t>(columns) * dtype_size(rows.dtype)) {}

  const float* read(std::int64_t row) noexcept {
    const std::byte* first = data_ + rows_.row.offset(row);
    if (!rows_.dense_row) {
      gather_row(rows_.column, dtype_size(rows_.dtype), first, gathered_.data(), columns_);
      first = gathered_.data();
    }
    widen(rows_.dtype, first, columns_, values_.data());
    return values_.data();
  }

 private:
  Rows rows_;
  const std::byte* data_;
  std::int64_t columns_;
  std::vector<float> values_;
  std::vector<std::byte> gathered_;
};

float read_statistic(const StridedDims& row, const void* data, std::int64_t index) noexcept {
  float value;
  std::memcpy(&value, static_cast<const std::byte*>(data) + row.offset(index), sizeof value);
  return value;
}

void compute(const Problem& problem, const Arguments& arguments, const ForwardOracleOutputs& outputs) {
  const std::int64_t columns = problem.columns();
  const auto n = static_cast<std::size_t>(columns);
  const auto reader = [&](std::size_t place) {
    return RowReader(rows_of(problem, place), arguments.data[place], columns);
  };
  const auto of_columns = [&](std::size_t place, double absent) {
    std::vector<double> values(n, absent);
    if (!problem.has(place)) return values;
    RowReader row = reader(place);
    std::copy_n(row.read(0), n, values.begin());
    return values;
  };
  RowReader x1 = reader(forward::x1);
  std::optional<RowReader> x2;
  if (problem.has(forward::x2)) x2 = reader(forward::x2);
  const std::vector<double> gamma = of_columns(forward::gamma, 1.0), beta = of_columns(forward::beta, 0.0);
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
  const auto reader = [&](std::size_t place) {
    return RowReader(rows_of(problem, place), arguments.data[place], columns);
  };

  RowReader dy = reader(grad::dy);
  RowReader x1 = reader(grad::x1);
  std::optional<RowReader> x2;
  std::optional<RowReader> dsum;
  if (problem.has(grad::x2)) x2 = reader(grad::x2);
  if (problem.has(grad::dsum) && outputs.dx != nullptr) dsum = reader(grad::dsum);
  // The statistics have as many trailing 1s as there are normalised dimensions, or none; either way their one row of
  // dimensions is all there is, in row-major order.
  const StridedDims rstd_row = rows_of(problem, grad::rstd).row;
  const StridedDims mean_row = rows_of(problem, grad::mean).row;

  std::vector<double> gamma(n, 1.0);
  if (problem.has(grad::gamma)) {
    RowReader row = reader(grad::gamma);
    const float* values = row.read(0);
    for (std::size_t j = 0; j < n; ++j) gamma[j] = values[j];
  }
  std::vector<double> w(n), h(n);
  std::vector<double> dgamma(n), dgamma_error(n), dbeta(n), dbeta_error(n);

  for (std::int64_t i = 0; i < problem.rows(); ++i) {
    const float* dy_row = dy.read(i);
    const float* x1_row = x1.read(i);
    const float* x2_row = x2 ? x2->read(i) : nullptr;
    const double rstd = read_statistic(rstd_row, arguments.data[grad::rstd], i);
    const double mean = read_statistic(mean_row, arguments.data[grad::mean], i);
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
