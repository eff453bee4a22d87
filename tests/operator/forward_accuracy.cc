#include "operator/forward_accuracy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <vector>

#include "alng/by_place.hpp"
#include "alng/oracle.hpp"
#include "cases/element.h"
#include "operator/accuracy.h"

namespace alng::test {
namespace {

using cases::ForwardInstance;

struct ForwardTruth {
  std::vector<double> y, mean, rstd, x;
};

ForwardTruth truth_of(const ForwardInstance& instance) {
  const auto elements = static_cast<std::size_t>(instance.what().elements());
  const auto rows = static_cast<std::size_t>(instance.what().rows());
  ForwardTruth truth{std::vector<double>(elements), std::vector<double>(rows), std::vector<double>(rows),
                     std::vector<double>(elements)};
  ForwardArguments arguments;
  for (std::size_t t = 0; t < forward::y; ++t) {
    const auto tensor = static_cast<int>(t);
    if (instance.layout(tensor)) give_pointer(arguments, t, instance.storage(tensor).data());
  }
  const Result<ForwardProblem> problem = ForwardProblem::create(instance.description());
  EXPECT_TRUE(problem.ok()) << problem.status().message();
  if (!problem.ok()) return truth;
  const Status status =
      oracle(problem.value(), arguments, {truth.y.data(), truth.mean.data(), truth.rstd.data(), truth.x.data()});
  EXPECT_TRUE(status.ok()) << status.message();
  return truth;
}

std::string sentence(const char* name, std::size_t at, double got, double truth, double allowed) {
  std::ostringstream text;
  text.precision(17);
  text << name << " at " << at << ": " << got << " but the truth is " << truth << " and " << allowed << " is allowed\n";
  return text.str();
}

std::vector<double> columns_of(const ForwardInstance& instance, int tensor, double absent) {
  if (instance.layout(tensor)) return instance.numbers(tensor);
  return std::vector<double>(static_cast<std::size_t>(instance.what().columns()), absent);
}

std::string check_y(const ForwardInstance& instance, const ForwardTruth& truth, const std::vector<std::byte>& y) {
  const DType dtype = instance.what().dtype;
  const auto columns = static_cast<std::size_t>(instance.what().columns());
  const std::vector<double> gamma = columns_of(instance, forward::gamma, 1),
                            beta = columns_of(instance, forward::beta, 0);
  double judged = 0, wrong = 0;
  for (std::size_t begin = 0; begin < truth.y.size(); begin += columns) {
    const double mean = truth.mean[begin / columns], rstd = truth.rstd[begin / columns];
    double scale = 0;
    for (std::size_t j = 0; j < columns; ++j) {
      const double h = (truth.x[begin + j] - mean) * rstd;
      scale = std::max(scale, std::fabs(h * gamma[j]) + std::fabs(beta[j]));
    }
    for (std::size_t i = begin; i < begin + columns; ++i) {
      const double got = cases::load(dtype, y.data() + i * dtype_size(dtype));
      const bool misrounded = got != cases::round_to(dtype, truth.y[i]);
      double allowed = y_bound * scale;
      if (dtype != DType::float32) {
        const double ulp = cases::ulp(dtype, truth.y[i]);
        const bool in_cancellation = allowed >= in_cancellation_from * ulp;
        judged += in_cancellation ? 0 : 1;
        wrong += misrounded && !in_cancellation ? 1 : 0;
        allowed += ulp;
      }
      if (misrounded && !(std::fabs(got - truth.y[i]) <= allowed)) return sentence("y", i, got, truth.y[i], allowed);
    }
  }
  if (wrong <= std::max(misrounded_by_chance, (1 - rounded_right) * judged)) return {};
  return "y: " + std::to_string(wrong) + " of " + std::to_string(judged) +
         " elements are not the correctly rounded value\n";
}

std::string check_rows(const char* name, const std::vector<double>& truth, const std::vector<double>& allowed,
                       const std::vector<std::byte>& got) {
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double value = cases::load(DType::float32, got.data() + i * sizeof(float));
    if (!(std::fabs(value - truth[i]) <= allowed[i])) return sentence(name, i, value, truth[i], allowed[i]);
  }
  return {};
}

}  // namespace

std::string beyond_bounds(const ForwardInstance& instance, const Outcome& got) {
  if (instance.what().columns() == 0) return {};
  const ForwardTruth truth = truth_of(instance);
  std::string found;
  if (instance.layout(forward::y)) found += check_y(instance, truth, got.outputs[0]);
  std::vector<double> of_mean, of_rstd;
  for (std::size_t i = 0; i < truth.mean.size(); ++i) {
    const double deviation = 1 / truth.rstd[i];
    of_mean.push_back(mean_bound * std::max(std::fabs(truth.mean[i]), deviation));
    of_rstd.push_back(rstd_bound * truth.rstd[i]);
  }
  if (instance.layout(forward::mean)) found += check_rows("mean", truth.mean, of_mean, got.outputs[1]);
  if (instance.layout(forward::rstd)) found += check_rows("rstd", truth.rstd, of_rstd, got.outputs[2]);
  if (!instance.layout(forward::x)) return found;
  const DType dtype = instance.what().dtype;
  for (std::size_t i = 0; i < truth.x.size(); ++i) {
    const double value = cases::load(dtype, got.outputs[3].data() + i * dtype_size(dtype));
    const double expected = cases::round_to(dtype, truth.x[i]);
    if (value != expected) return found + sentence("x", i, value, expected, 0);
  }
  return found;
}

}  // namespace alng::test
