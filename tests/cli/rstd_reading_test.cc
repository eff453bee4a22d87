#include "judge/rstd_reading.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace alng::cli {
namespace {

// 200 rows whose variance is near `std` squared as far as that of `columns` random numbers is, `constant` of them
// constant; `rstd` says what stands in the file for a variance.
template <typename Rstd>
std::string warning(double std, std::int64_t columns, int constant, Rstd rstd) {
  std::mt19937 random(3);
  std::normal_distribution<double> spread(1, std::sqrt(0.5 / static_cast<double>(columns)));
  RstdReading reading(columns);
  for (int row = 0; row < 200; ++row) {
    const double deviation = row < constant ? 0 : std * std::max(0.01, spread(random));
    reading.add_row(static_cast<float>(rstd(deviation * deviation)), deviation * deviation);
  }
  return reading.warning();
}

TEST(RstdReading, IsContentWithRstd) {
  for (const double std : {1e-6, 1e-3, 0.1, 0.5, 0.9, 0.9975, 1.0, 1.1, 1.4, 100.0, 1e6}) {
    for (const double eps : {1e-12, 1e-6, 1e-5, 1e-3, 1e-2}) {
      for (const std::int64_t columns : {1, 2, 16, 768, 65536}) {
        for (const int constant : {0, 100, 200}) {
          const auto right = [&](double variance) { return 1 / std::sqrt(variance + eps); };
          EXPECT_EQ(warning(std, columns, constant, right), "")
              << std << " " << eps << " " << columns << " " << constant;
          // A forward that saw x rounded to 8 bits.
          const auto coarse = [&](double variance) { return 1 / std::sqrt(variance * 1.008 + eps); };
          EXPECT_EQ(warning(std, columns, constant, coarse), "") << std << " " << eps << " " << columns;
        }
      }
    }
  }
  EXPECT_EQ(RstdReading(4).warning(), "");
}

TEST(RstdReading, SeesOtherStatistics) {
  for (const double std : {0.01, 0.3, 0.8, 1.2, 1.4, 10.0, 1000.0}) {
    for (const double eps : {0.0, 1e-5}) {
      const auto deviation = [&](double variance) { return std::sqrt(variance + eps); };
      EXPECT_EQ(
          warning(std, 768, 0, deviation),
          "rstd looks like the standard deviation of x1 + x2 (200 of 200 rows) but must be 1 / sqrt(variance + eps)")
          << std;
      EXPECT_NE(warning(std, 768, 40, deviation), "") << std;
      const auto unbiased = [&](double variance) { return std::sqrt(variance * 768 / 767); };
      EXPECT_NE(warning(std, 768, 0, unbiased), "") << std;
    }
  }
  for (const double std : {0.3, 1.4, 10.0}) {
    EXPECT_EQ(warning(std, 768, 0, [](double variance) { return variance; }),
              "rstd looks like the variance of x1 + x2 (200 of 200 rows) but must be 1 / sqrt(variance + eps)");
    EXPECT_NE(warning(std, 768, 0, [](double variance) { return 1 / variance; }), "") << std;
  }
  // rstd that is really std, of data with std near 1: only rows with std above 1 show it.
  EXPECT_NE(warning(1, 768, 0, [](double variance) { return std::sqrt(variance); }), "");
}

}  // namespace
}  // namespace alng::cli
