// The reference against finite differences through the forward, in double: the one check that knows no formula of the
// backward.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "cases/element.h"
#include "cases/instance.h"
#include "operator/accuracy.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using Doubles = std::vector<double>;

// The scalar whose gradient the backward computes: sum dy * (gamma * normalised(x) + beta) + dsum * x.
struct Forward {
  std::size_t columns;
  Doubles dy, dsum;
  double epsilon;

  double operator()(const Doubles& x, const Doubles& gamma, const Doubles& beta) const {
    double loss = 0;
    for (std::size_t first = 0; first < x.size(); first += columns) {
      double mean = 0, variance = 0;
      for (std::size_t j = 0; j < columns; ++j) mean += x[first + j];
      mean /= static_cast<double>(columns);
      for (std::size_t j = 0; j < columns; ++j) variance += (x[first + j] - mean) * (x[first + j] - mean);
      const double rstd = 1.0 / std::sqrt(variance / static_cast<double>(columns) + epsilon);
      for (std::size_t j = 0; j < columns; ++j) {
        loss += dy[first + j] * (gamma[j] * (x[first + j] - mean) * rstd + beta[j]);
        if (!dsum.empty()) loss += dsum[first + j] * x[first + j];
      }
    }
    return loss;
  }
};

class FiniteDifference : public testing::TestWithParam<const char*> {};

TEST_P(FiniteDifference, AgreesWithTheGradients) {
  const cases::Instance instance(case_named(GetParam()));
  const auto columns = static_cast<std::size_t>(instance.what().columns());
  Doubles x = instance.numbers(grad::x1);
  if (instance.what().x2) {
    const Doubles x2 = instance.numbers(grad::x2);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<double>(static_cast<float>(x[i]) + static_cast<float>(x2[i]));
    }
  }
  const Forward forward{columns, instance.numbers(grad::dy),
                        instance.what().dsum ? instance.numbers(grad::dsum) : Doubles(), 1e-5};
  const Doubles gamma = instance.what().gamma ? instance.numbers(grad::gamma) : Doubles(columns, 1.0);
  const Doubles beta(columns, 0.25);
  const Outcome out = run_reference(instance);
  const DType dtype = instance.what().dtype;

  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  const auto direction = [&](std::size_t size) {
    Doubles v(size);
    for (double& value : v) value = normal(random);
    return v;
  };
  const auto moved = [](Doubles at, const Doubles& by, double step) {
    for (std::size_t i = 0; i < at.size(); ++i) at[i] += step * by[i];
    return at;
  };
  // Central differences; at 1e-4 their own error is near 1e-8 of the slope, below the float32 of the gradients.
  const double step = 1e-4;
  const auto gradient = [&](std::size_t output, DType type, const Doubles& along, double& scale) {
    double slope = 0;
    for (std::size_t i = 0; i < along.size(); ++i) {
      const double term = cases::load(type, out.outputs[output].data() + i * dtype_size(type)) * along[i];
      slope += term;
      scale += term * term;
    }
    scale = std::sqrt(scale);
    return slope;
  };
  // Half an ulp of a 16-bit dx is 2e-3 (bf16), random over the elements; scale is what random errors add up to.
  const double tolerance = dtype == DType::float32 ? 1e-5 : dtype == DType::float16 ? 1e-3 : 8e-3;

  const Doubles vx = direction(x.size()), vg = direction(columns), vb = direction(columns);
  double scale = 0;
  double slope = (forward(moved(x, vx, step), gamma, beta) - forward(moved(x, vx, -step), gamma, beta)) / (2 * step);
  double expected = gradient(0, dtype, vx, scale);
  EXPECT_NEAR(slope, expected, tolerance * scale) << "dx";
  scale = 0;
  slope = (forward(x, moved(gamma, vg, step), beta) - forward(x, moved(gamma, vg, -step), beta)) / (2 * step);
  expected = gradient(1, DType::float32, vg, scale);
  EXPECT_NEAR(slope, expected, 1e-5 * scale) << "dgamma";
  scale = 0;
  slope = (forward(x, gamma, moved(beta, vb, step)) - forward(x, gamma, moved(beta, vb, -step))) / (2 * step);
  expected = gradient(2, DType::float32, vb, scale);
  EXPECT_NEAR(slope, expected, 1e-5 * scale) << "dbeta";
}

INSTANTIATE_TEST_SUITE_P(Small, FiniteDifference,
                         testing::Values("columns_7_fp32_gammaT_dsum_x2", "columns_17_fp32_gammaT_dsum_x2",
                                         "columns_129_fp32_gammaT_x2", "columns_129_bf16_gammaT_dsum_x2",
                                         "columns_129_fp16_gammaT_x2", "rank_3_fp32_gammanone_dsum_x2",
                                         "rows_1000_fp32_gammafp32_dsum_x2", "columns_768_fp32_gammaT_dsum",
                                         "columns_768_bf16_gammanone_x2", "all_normalised_fp32_gammaT_dsum_x2"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace alng::test
