// The judge judged: against 128-bit arithmetic, against numbers worked out by hand, and under a host's odd settings.
#include "alng/oracle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cfenv>
#include <cmath>
#include <cstring>
#include <vector>

#include "cases/instance.h"
#include "operator/accuracy.h"
#include "operator/case_list.h"

namespace alng::test {
namespace {

using cases::Instance;
#if defined(__SIZEOF_FLOAT128__)
using Quad = __float128;
#else
using Quad = long double;  // on aarch64 the 128-bit type itself
static_assert(sizeof(Quad) == 16);
#endif

double absolute(Quad value) { return std::fabs(static_cast<double>(value)); }

void compare_with_quad(const Instance& instance) {
  const Truth truth = truth_of(instance);
  const auto columns = static_cast<std::size_t>(instance.what().columns());
  const auto rows = static_cast<std::size_t>(instance.what().rows());
  const std::vector<double> dy = instance.numbers(grad::dy), x1 = instance.numbers(grad::x1);
  const std::vector<double> rstd = instance.numbers(grad::rstd), mean = instance.numbers(grad::mean);
  std::vector<double> x2(x1.size()), dsum(x1.size()), gamma(columns, 1.0);
  if (instance.what().x2) x2 = instance.numbers(grad::x2);
  if (instance.what().dsum) dsum = instance.numbers(grad::dsum);
  if (instance.what().gamma) gamma = instance.numbers(grad::gamma);
  std::vector<Quad> dgamma(columns), dbeta(columns), h(columns), w(columns);
  double gamma_scale = 1, beta_scale = 1;
  for (std::size_t i = 0; i < rows; ++i) {
    Quad m1 = 0, m2 = 0;
    for (std::size_t j = 0; j < columns; ++j) {
      const std::size_t k = i * columns + j;
      h[j] = (Quad(static_cast<float>(x1[k]) + static_cast<float>(x2[k])) - mean[i]) * rstd[i];
      w[j] = Quad(dy[k]) * gamma[j];
      m1 += w[j];
      m2 += w[j] * h[j];
      dgamma[j] += dy[k] * h[j];
      dbeta[j] += dy[k];
      gamma_scale = std::max(gamma_scale, absolute(dy[k] * h[j]));
      beta_scale = std::max(beta_scale, std::fabs(dy[k]));
    }
    m1 /= static_cast<double>(columns);
    m2 /= static_cast<double>(columns);
    double scale = 0;
    for (std::size_t j = 0; j < columns; ++j) {
      scale = std::max({scale, absolute(rstd[i] * w[j]), absolute(rstd[i] * h[j] * m2), absolute(rstd[i] * m1)});
    }
    for (std::size_t j = 0; j < columns && instance.what().wants_dx; ++j) {
      const std::size_t k = i * columns + j;
      const Quad dx = Quad(rstd[i]) * (w[j] - m1 - h[j] * m2) + dsum[k];
      // Ten roundings of double.
      ASSERT_LE(absolute(dx - truth.dx[k]), 1e-15 * (scale + std::fabs(dsum[k]))) << "dx at " << k;
    }
  }
  for (std::size_t j = 0; j < columns; ++j) {
    // What is summed is rounded, the sum is not: independent of the number of rows up to 1e6 rows' root.
    if (instance.what().wants_dgamma) {
      ASSERT_LE(absolute(dgamma[j] - truth.dgamma[j]), 1e-15 * gamma_scale * std::sqrt(static_cast<double>(rows)));
    }
    if (instance.what().wants_dbeta) {
      // dbeta's terms are exact: compensation must leave nothing but the last rounding.
      ASSERT_LE(absolute(dbeta[j] - truth.dbeta[j]), 2.3e-16 * absolute(dbeta[j]) + 1e-25);
    }
  }
}

TEST(Oracle, AgreesWithQuadPrecision) {
  for (const char* name :
       {"rows_1_fp32_gammaT_dsum_x2", "columns_2_fp32_gammaT_dsum_x2", "columns_129_bf16_gammaT_dsum_x2",
        "columns_768_fp16_gammafp32_x2", "ratio_1000_fp32_gammaT_dsum_x2", "ratio_1000_bf16_gammaT",
        "mixed_fp32_gammaT_dsum_x2", "transposed_4_fp16_gammaT_dsum_x2", "broadcast_rows_4_bf16_gammanone_dsum_x2",
        "broadcast_columns_bf16_gammafp32_dsum_x2", "rank_7_bf16_gammaT_dsum_x2", "rows_33793_fp32_gammaT_dsum_x2",
        "columns_12288_fp32_gammaT_dsum_x2", "x_constant_fp32_gammaT_dsum_x2", "rows_0_fp32_gammaT_dsum_x2",
        "only_dgamma_fp32_gammaT_x2"}) {
    SCOPED_TRACE(name);
    compare_with_quad(Instance(case_named(name)));
  }
}

struct Tiny {
  // D = 4, mean 1, rstd 0.5: h = {-1, -0.5, 0, 1.5}; all numbers below are exact.
  std::array<float, 4> dy = {1, 2, 3, 4};
  std::array<float, 4> x1 = {-1, 0, 1, 4};
  float rstd = 0.5f, mean = 1;
  std::array<float, 4> gamma = {2, 1, 1, 0.5f};
  std::array<float, 4> dsum = {10, 20, 30, 40};
  std::array<double, 4> dx{}, dgamma{}, dbeta{};

  GradArguments arguments() const {
    GradArguments out;
    out.dy = dy.data();
    out.x1 = x1.data();
    out.rstd = &rstd;
    out.mean = &mean;
    out.gamma = gamma.data();
    out.dsum = dsum.data();
    return out;
  }
  GradProblem problem() const {
    GradDescription description = GradDescription::dense(DType::float32, 1, 4);
    description.x2.reset();
    return GradProblem::create(description).value();
  }
};

TEST(Oracle, GivesWhatComesOutByHand) {
  Tiny tiny;
  ASSERT_TRUE(oracle(tiny.problem(), tiny.arguments(), {tiny.dx.data(), tiny.dgamma.data(), tiny.dbeta.data()}).ok());
  // w = {2, 2, 3, 2}, m1 = 9/4; w*h = {-2, -1, 0, 3}, m2 = 0; dx = 0.5 * (w - 2.25) + dsum.
  EXPECT_EQ(tiny.dx, (std::array<double, 4>{9.875, 19.875, 30.375, 39.875}));
  EXPECT_EQ(tiny.dgamma, (std::array<double, 4>{-1, -1, 0, 6}));
  EXPECT_EQ(tiny.dbeta, (std::array<double, 4>{1, 2, 3, 4}));
}

TEST(Oracle, NeedsItsInputs) {
  Tiny tiny;
  GradArguments arguments = tiny.arguments();
  arguments.mean = nullptr;
  tiny.dx.fill(-7);
  const Status status = oracle(tiny.problem(), arguments, {tiny.dx.data(), nullptr, nullptr});
  EXPECT_EQ(status.code(), Code::null_pointer);
  EXPECT_NE(status.message().find("mean"), std::string::npos) << status.message();
  EXPECT_EQ(tiny.dx[0], -7);
}

TEST(Oracle, IgnoresTheRoundingOfTheHostAndRestoresIt) {
  const Instance instance(case_named("columns_129_fp32_gammaT_dsum_x2"));
  const Truth usual = truth_of(instance);
  ASSERT_EQ(std::fesetround(FE_UPWARD), 0);
  const Truth upward = truth_of(instance);
  const int mode = std::fegetround();
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(mode, FE_UPWARD);
  EXPECT_EQ(usual.dx, upward.dx);
  EXPECT_EQ(usual.dgamma, upward.dgamma);
  EXPECT_EQ(usual.dbeta, upward.dbeta);
}

}  // namespace
}  // namespace alng::test
