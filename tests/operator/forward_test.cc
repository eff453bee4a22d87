// The forward by itself and before its gradient: closed forms, the pair, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "alng/alng.hpp"

namespace alng::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

/// A forward in float32 of one dense matrix, with everything that it may have.
struct Forward {
  Forward(std::int64_t rows, std::int64_t columns)
      : description(ForwardDescription::dense(DType::float32, rows, columns)),
        x1(static_cast<std::size_t>(rows * columns)),
        x2(x1.size()),
        gamma(static_cast<std::size_t>(columns), 1.0f),
        beta(gamma.size()),
        y(x1.size(), -7.0f),
        mean(static_cast<std::size_t>(rows), -7.0f),
        rstd(mean.size(), -7.0f),
        x(x1.size(), -7.0f) {}

  Status run(const PlanOptions& options = {}) {
    ForwardArguments arguments;
    arguments.x1 = x1.data();
    arguments.x2 = x2.data();
    arguments.gamma = gamma.data();
    arguments.beta = beta.data();
    arguments.y = y.data();
    arguments.mean = mean.data();
    arguments.rstd = rstd.data();
    arguments.x = x.data();
    return add_layer_norm(description, arguments, options);
  }

  ForwardDescription description;
  std::vector<float> x1, x2, gamma, beta, y, mean, rstd, x;
};

TEST(Forward, OfTwoValuesIsPlusAndMinusOne) {
  Forward f(2, 2);
  f.x1 = {1, 3, -5, 7};
  f.x2 = {0, 2, 1, 1};
  f.gamma = {2, 3};
  f.beta = {10, 20};
  f.description.eps = 0;
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(f.mean, (std::vector<float>{3, 2}));
  EXPECT_EQ(f.rstd, (std::vector<float>{0.5f, 1.0f / 6}));
  EXPECT_EQ(f.x, (std::vector<float>{1, 5, -4, 8}));
  EXPECT_EQ(f.y, (std::vector<float>{8, 23, 8, 23}));
}

TEST(Forward, OfAConstantRowIsBeta) {
  Forward f(3, 100);
  for (std::size_t i = 0; i < f.x1.size(); ++i) f.x1[i] = static_cast<float>(i / 100) * 12345.678f;
  f.beta.assign(100, 0.25f);
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(f.y, std::vector<float>(300, 0.25f));
  EXPECT_EQ(f.mean, (std::vector<float>{0, f.x1[100], f.x1[200]}));
  EXPECT_EQ(f.rstd, std::vector<float>(3, 1 / std::sqrt(1e-5f)));
}

// Without eps nothing keeps the variance of a constant row from 0.
TEST(Forward, OfAConstantRowWithoutEpsIsNaN) {
  Forward f(1, 7);
  f.x1.assign(7, 3.0f);
  f.description.eps = 0;
  ASSERT_TRUE(f.run().ok());
  EXPECT_EQ(f.rstd[0], infinity);
  EXPECT_EQ(f.mean[0], 3.0f);
  for (const float y : f.y) EXPECT_TRUE(std::isnan(y));
}

TEST(Forward, OfNoColumnsHasTheStatisticsOfNothing) {
  Forward f(3, 0);
  ASSERT_TRUE(f.run().ok());
  for (const auto* values : {&f.mean, &f.rstd}) {
    for (const float value : *values) {
      std::uint32_t bits;
      std::memcpy(&bits, &value, sizeof bits);
      EXPECT_EQ(bits, 0x7FC00000u);
    }
  }
}

TEST(Forward, OfNoRowsIsNothing) {
  Forward f(0, 64);
  EXPECT_TRUE(f.run().ok());
}

// The rounding of m in float32 is as large as the spread of the row divided by 100: without its repair y would be off
// by 4e-3.
TEST(Forward, IsExactAtAMeanOf100000StandardDeviations) {
  constexpr std::int64_t rows = 50, columns = 1000;
  Forward f(rows, columns);
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (float& value : f.x1) value = 100000.0f + normal(random);
  ASSERT_TRUE(f.run().ok());
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* const x = f.x.data() + r * columns;
    double sum = 0, squares = 0, largest = 0;
    for (std::int64_t j = 0; j < columns; ++j) sum += x[j];
    const double mean = sum / columns;
    for (std::int64_t j = 0; j < columns; ++j) squares += (x[j] - mean) * (x[j] - mean);
    const double rstd = 1 / std::sqrt(squares / columns + f.description.eps);
    for (std::int64_t j = 0; j < columns; ++j) largest = std::max(largest, std::fabs((x[j] - mean) * rstd));
    for (std::int64_t j = 0; j < columns; ++j) {
      ASSERT_NEAR(f.y[static_cast<std::size_t>(r * columns + j)], (x[j] - mean) * rstd, 3e-7 * largest);
    }
  }
}

// The derivative of our forward against our gradient: L = sum of dy * y along random directions.
TEST(Forward, HasTheGradientThatIsComputed) {
  constexpr std::int64_t rows = 5, columns = 96;
  Forward f(rows, columns);
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  const auto fill = [&](std::vector<float>& values, float middle) {
    for (float& value : values) value = middle + normal(random);
  };
  fill(f.x1, 2);
  fill(f.x2, -1);
  fill(f.gamma, 1);
  fill(f.beta, 0);
  std::vector<float> dy(f.x1.size()), direction(f.x1.size());
  fill(dy, 0);
  fill(direction, 0);
  ASSERT_TRUE(f.run().ok());

  GradDescription gradient = GradDescription::dense(DType::float32, rows, columns);
  gradient.dsum.reset();
  std::vector<float> dx(f.x1.size()), dgamma(f.gamma.size()), dbeta(f.gamma.size());
  GradArguments where;
  where.dy = dy.data();
  where.x1 = f.x1.data();
  where.x2 = f.x2.data();
  where.rstd = f.rstd.data();
  where.mean = f.mean.data();
  where.gamma = f.gamma.data();
  where.dx = dx.data();
  where.dgamma = dgamma.data();
  where.dbeta = dbeta.data();
  ASSERT_TRUE(add_layer_norm_grad(gradient, where).ok());

  const auto loss = [&](float step) {
    Forward moved = f;
    for (std::size_t i = 0; i < dy.size(); ++i) moved.x1[i] += step * direction[i];
    EXPECT_TRUE(moved.run().ok());
    double sum = 0;
    for (std::size_t i = 0; i < dy.size(); ++i) sum += static_cast<double>(dy[i]) * moved.y[i];
    return sum;
  };
  double slope = 0;
  for (std::size_t i = 0; i < dy.size(); ++i) slope += static_cast<double>(dx[i]) * direction[i];
  constexpr float step = 1.0f / 256;
  EXPECT_NEAR((loss(step) - loss(-step)) / (2 * step), slope, 2e-3 * std::fabs(slope) + 2e-3);
}

// With a rounded sum the stored x is exactly what was normalised: the forward of it alone has the same bits.
TEST(Forward, OfTheStoredRoundedSumIsTheSame) {
  constexpr std::int64_t rows = 9, columns = 130;
  ForwardDescription description = ForwardDescription::dense(DType::bfloat16, rows, columns);
  description.round_sum = true;
  std::mt19937 random(3);
  const auto random_bits = [&](std::size_t count) {
    std::vector<std::uint16_t> values(count);
    for (auto& value : values) value = static_cast<std::uint16_t>(0x3F00 + random() % 512 + (random() % 2 << 15));
    return values;
  };
  const std::size_t elements = rows * columns;
  const auto x1 = random_bits(elements), x2 = random_bits(elements), gamma = random_bits(columns),
             beta = random_bits(columns);
  std::vector<std::uint16_t> y(elements), x(elements), y_again(elements), x_again(elements);
  std::vector<float> mean(rows), rstd(rows), mean_again(rows), rstd_again(rows);
  ForwardArguments arguments{x1.data(), x2.data(),   gamma.data(), beta.data(),
                             y.data(),  mean.data(), rstd.data(),  x.data()};
  ASSERT_TRUE(add_layer_norm(description, arguments).ok());
  description.x2.reset();
  arguments = {x.data(),       nullptr,           gamma.data(),      beta.data(),
               y_again.data(), mean_again.data(), rstd_again.data(), x_again.data()};
  ASSERT_TRUE(add_layer_norm(description, arguments).ok());
  EXPECT_EQ(y, y_again);
  EXPECT_EQ(x, x_again);
  EXPECT_EQ(mean, mean_again);
  EXPECT_EQ(rstd, rstd_again);
}

TEST(Forward, RefusesOutputsThatShareMemory) {
  Forward f(2, 3);
  ForwardArguments arguments{f.x1.data(), f.x2.data(),   f.gamma.data(), f.beta.data(),
                             f.x1.data(), f.mean.data(), f.rstd.data(),  f.x1.data()};
  const Status status = add_layer_norm(f.description, arguments);
  EXPECT_EQ(status.code(), Code::overlap);
  EXPECT_NE(status.message().find("x at bytes"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("overlaps y"), std::string::npos) << status.message();
}

TEST(Forward, RefusesAnEpsBelowZero) {
  ForwardDescription description = ForwardDescription::dense(DType::float32, 2, 3);
  description.eps = -1;
  const Status status = ForwardProblem::create(description).status();
  EXPECT_EQ(status.code(), Code::bad_option);
  EXPECT_EQ(status.message(), "eps is -1 but must be finite and at least 0");
}

TEST(Forward, ExplainsItself) {
  const auto plan =
      ForwardPlan::create(ForwardProblem::create(ForwardDescription::dense(DType::float16, 64, 96)).value());
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->problem().to_string(),
            "64x96 float16, x2, gamma float16, beta float16, eps 1e-05; wants y, mean, rstd, x");
  EXPECT_NE(plan->explain().find("y and x: written through the caches"), std::string::npos) << plan->explain();
}

}  // namespace
}  // namespace alng::test
