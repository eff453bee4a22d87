#include "operator/accuracy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "alng/oracle.hpp"
#include "cases/element.h"

namespace alng::test {
namespace {

using cases::Instance;

// With few columns, or where dy*gamma is the same everywhere, a sum down the rows can be small by chance in all columns
// at once. There the scale is what was added up.
bool cancels(const cases::Case& what) {
  return what.columns() < 32 || what.values == cases::Values::dy_constant || what.values == cases::Values::dy_one ||
         what.arrangement == cases::Arrangement::broadcast_columns;
}

// What the error of dx is measured by (docs/numerics.md): the terms of its row where w - m1 - h*m2 may be next to
// nothing beside them, as with few columns; else the row's largest |dx|.
std::vector<double> row_scales(const Instance& instance, const Truth& truth) {
  const auto columns = static_cast<std::size_t>(instance.what().columns());
  const auto rows = static_cast<std::size_t>(instance.what().rows());
  const std::vector<double> dy = instance.numbers(grad::dy);
  const std::vector<double> rstd = instance.numbers(grad::rstd);
  std::vector<double> gamma(columns, 1.0), dsum(dy.size());
  if (instance.what().dsum) dsum = instance.numbers(grad::dsum);
  if (instance.what().gamma) gamma = instance.numbers(grad::gamma);
  std::vector<double> scales(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    double terms = 0, largest = 0;
    for (std::size_t k = i * columns; k < (i + 1) * columns; ++k) {
      // rstd * w, and what is taken off it: rstd * (m1 + h * m2).
      const double w = rstd[i] * dy[k] * gamma[k - i * columns];
      const double taken_off = w - (truth.dx[k] - dsum[k]);
      terms = std::max(terms, std::fabs(w) + std::fabs(taken_off) + std::fabs(dsum[k]));
      largest = std::max(largest, std::fabs(truth.dx[k]));
    }
    scales[i] = columns >= 64 && largest >= terms / 2 ? largest : terms;
  }
  return scales;
}

std::string check_dx(const Instance& instance, const Truth& truth, const std::vector<std::byte>& dx) {
  const DType dtype = instance.what().dtype;
  const auto columns = static_cast<std::size_t>(instance.what().columns());
  const std::vector<double> scales = row_scales(instance, truth);
  std::size_t judged = 0, wrong = 0;
  for (std::size_t i = 0; i < truth.dx.size(); ++i) {
    const double got = cases::load(dtype, dx.data() + i * dtype_size(dtype));
    const bool misrounded = got != cases::round_to(dtype, truth.dx[i]);
    double allowed = dx_bound * scales[i / columns];
    if (dtype != DType::float32) {
      const double ulp = cases::ulp(dtype, truth.dx[i]);
      const bool in_cancellation = allowed >= in_cancellation_from * ulp;
      judged += in_cancellation ? 0 : 1;
      wrong += misrounded && !in_cancellation ? 1 : 0;
      allowed += ulp;
    }
    if (misrounded && !(std::fabs(got - truth.dx[i]) <= allowed)) {
      std::ostringstream text;
      text.precision(17);
      text << "dx at " << i << ": " << got << " but the truth is " << truth.dx[i] << " and " << allowed
           << " is allowed\n";
      return text.str();
    }
  }
  const double number = static_cast<double>(judged);
  if (static_cast<double>(wrong) <= std::max(misrounded_by_chance, (1 - rounded_right) * number)) return {};
  return "dx: " + std::to_string(wrong) + " of " + std::to_string(judged) +
         " elements are not the correctly rounded value\n";
}

std::string check_columns(const Instance& instance, int tensor, const std::vector<double>& truth,
                          const std::vector<std::byte>& got) {
  double squares = 0;
  for (const double value : truth) squares += value * value;
  double rms = std::sqrt(squares / static_cast<double>(truth.size()));
  if (cancels(instance.what())) rms = std::max(rms, std::sqrt(static_cast<double>(instance.what().rows())));
  const std::vector<double> before =
      instance.what().accumulate ? instance.numbers(tensor) : std::vector<double>(truth.size());
  for (std::size_t j = 0; j < truth.size(); ++j) {
    const double value = cases::load(DType::float32, got.data() + j * sizeof(float));
    double allowed = column_bound * rms;
    if (instance.what().accumulate) allowed += cases::ulp(DType::float32, value);
    if (!(std::fabs(value - before[j] - truth[j]) <= allowed)) {
      std::ostringstream text;
      text.precision(17);
      text << grad::operands[static_cast<std::size_t>(tensor)].name << " at " << j << ": " << value
           << " but the truth is " << before[j] + truth[j] << " and " << allowed << " is allowed\n";
      return text.str();
    }
  }
  return {};
}

}  // namespace

Truth truth_of(const Instance& instance) {
  Truth truth;
  const cases::Case& what = instance.what();
  GradOracleOutputs outputs;
  if (what.wants_dx) {
    truth.dx.resize(static_cast<std::size_t>(what.elements()));
    outputs.dx = truth.dx.data();
  }
  if (what.wants_dgamma) {
    truth.dgamma.resize(static_cast<std::size_t>(what.columns()));
    outputs.dgamma = truth.dgamma.data();
  }
  if (what.wants_dbeta) {
    truth.dbeta.resize(static_cast<std::size_t>(what.columns()));
    outputs.dbeta = truth.dbeta.data();
  }
  GradArguments arguments;
  std::vector<std::vector<std::byte>> memory;
  for (int t = 0; t < grad::dx; ++t) {
    if (!instance.layout(t)) continue;
    memory.push_back(instance.storage(t));
    give_pointer(arguments, t, memory.back().data());
  }
  const Result<GradProblem> problem = GradProblem::create(instance.description());
  EXPECT_TRUE(problem.ok()) << problem.status().message();
  if (!problem.ok()) return truth;
  const Status status = oracle(problem.value(), arguments, outputs);
  EXPECT_TRUE(status.ok()) << status.message();
  return truth;
}

bool has_bounds(const cases::Case& what) {
  switch (what.values) {
    case cases::Values::normal:
    case cases::Values::ratio_1000:
    case cases::Values::dy_zero:
    case cases::Values::dy_one:
    case cases::Values::dy_constant:
    case cases::Values::x_constant:
      return true;
    default:
      return false;
  }
}

std::string beyond_bounds(const Instance& instance, const Truth& truth, const Outcome& got) {
  std::string found;
  if (instance.what().wants_dx) found += check_dx(instance, truth, got.outputs[0]);
  if (instance.what().wants_dgamma) found += check_columns(instance, grad::dgamma, truth.dgamma, got.outputs[1]);
  if (instance.what().wants_dbeta) found += check_columns(instance, grad::dbeta, truth.dbeta, got.outputs[2]);
  return found;
}

}  // namespace alng::test
