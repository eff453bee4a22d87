#include "judge/verification.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "commands/generated_problem.h"
#include "judge/element.h"

namespace alng::cli {
namespace {

// A problem, its true results correctly rounded, and what `verify` says of them after something was done to them.
class VerificationTest : public testing::Test {
 protected:
  void make(DType dtype, std::vector<std::int64_t> shape, double mean_over_std = 0, bool dsum = true) {
    const auto path =
        std::filesystem::temp_directory_path() / ("alng_verification_" + std::to_string(::getpid()) + ".safetensors");
    GeneratedProblem description;
    description.shape = std::move(shape);
    description.dtype = dtype;
    description.gamma = dtype;
    description.dsum = dsum;
    description.mean_over_std = mean_over_std;
    generate(description, path);
    file_.emplace(load_problem<Grad>(path, {}));
    file_->file.load();
    std::filesystem::remove(path);
    problem_.emplace(file_->file, file_->problem);
    dtype_ = dtype;
    dx_.resize(static_cast<std::size_t>(problem_->rows * problem_->columns));
    dgamma_.resize(static_cast<std::size_t>(problem_->columns));
    dbeta_ = dgamma_;
    problem_->oracle(0, problem_->rows, dx_.data(), dgamma_.data(), dbeta_.data());
  }

  Verification judge() const { return judge(dtype_, {}, {}, {}); }
  // Beside results of another implementation, whose dx is in `dtype`; empty ones are absent.
  Verification judge(DType dtype, const std::vector<double>& expected_dx, const std::vector<double>& expected_dgamma,
                     const std::vector<double>& expected_dbeta) const {
    std::vector<std::vector<std::byte>> memory;
    const auto tensor = [&](DType type, const std::vector<double>& values) -> std::optional<DenseTensor> {
      if (values.empty()) return std::nullopt;
      return DenseTensor(type, memory.emplace_back(stored(type, values)).data());
    };
    const GradResults results{tensor(dtype_, dx_), tensor(DType::float32, dgamma_), tensor(DType::float32, dbeta_)};
    const GradResults expected{tensor(dtype, expected_dx), tensor(DType::float32, expected_dgamma),
                               tensor(DType::float32, expected_dbeta)};
    return verify(*problem_, results, expected, [](std::int64_t) {});
  }
  static double largest(const std::vector<double>& values) {
    double largest = 0;
    for (const double value : values) largest = std::max(largest, std::abs(value));
    return largest;
  }
  // "tensor: measure" of the checks that failed.
  static std::vector<std::string> beyond(const Verification& verification) {
    std::vector<std::string> names;
    for (const Check& check : verification.checks) {
      if (!check.ok()) names.push_back(check.tensor + ": " + check.measure);
    }
    return names;
  }
  static bool contains(const std::vector<std::string>& names, const std::string& begin) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return name.rfind(begin, 0) == 0; });
  }

  static std::vector<std::byte> stored(DType dtype, const std::vector<double>& values) {
    std::vector<std::byte> bytes(values.size() * dtype_size(dtype));
    for (std::size_t i = 0; i < values.size(); ++i) store_element(dtype, &bytes[i * dtype_size(dtype)], values[i]);
    return bytes;
  }

  std::optional<ProblemFile<Grad>> file_;
  std::optional<DenseGrad> problem_;
  DType dtype_ = DType::float32;
  std::vector<double> dx_, dgamma_, dbeta_;
};

TEST_F(VerificationTest, PassesTheTruth) {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    for (const double ratio : {0.0, 1000.0}) {
      for (const auto& shape : {std::vector<std::int64_t>{20, 300}, {500, 2}, {300, 1}, {1, 5000}}) {
        make(dtype, shape, ratio);
        EXPECT_EQ(beyond(judge()), std::vector<std::string>()) << dtype_name(dtype) << ratio << " " << shape[1];
      }
    }
  }
}

TEST_F(VerificationTest, SeesASmallErrorOfOneElement) {
  make(DType::float32, {20, 300});
  double largest = 0;
  for (std::size_t j = 0; j < 300; ++j) largest = std::max(largest, std::abs(dx_[3 * 300 + j]));
  dx_[3 * 300 + 7] += 8e-7 * largest;  // terms are up to twice as large
  EXPECT_EQ(beyond(judge()), (std::vector<std::string>{"dx: max error / row's scale",
                                                       "dx: max error / max |dx| of rows that don't cancel"}));
}

TEST_F(VerificationTest, SeesTwoUlpsIn16Bits) {
  for (const DType dtype : {DType::float16, DType::bfloat16}) {
    make(dtype, {20, 300});
    dx_[3 * 300 + 7] += 4 * half_ulp(dtype, dx_[3 * 300 + 7]);
    EXPECT_TRUE(contains(beyond(judge()), "dx: max ulps"));
  }
}

TEST_F(VerificationTest, SeesRoundingAlwaysUpOrDown) {
  for (const bool up : {false, true}) {  // in magnitude
    make(DType::bfloat16, {20, 300});
    for (double& value : dx_) {
      const double rounded = round_to(dtype_, value);
      const double step = std::copysign(2 * half_ulp(dtype_, value), value);
      if (up) {
        value = std::abs(rounded) < std::abs(value) ? rounded + step : rounded;
      } else {
        value = std::abs(rounded) > std::abs(value) ? rounded - step : rounded;
      }
    }
    EXPECT_TRUE(contains(beyond(judge()), "dx: share correctly rounded")) << up;
  }
}

// 1 to 3 of 10,000 elements are misrounded. In a small problem a few may be by chance; more are not.
TEST_F(VerificationTest, AFewMayBeMisroundedInASmallProblem) {
  make(DType::float16, {7, 16});
  std::size_t misrounded = 0;
  for (double& value : dx_) {
    if (misrounded == 5 || std::abs(value) < 0.5) continue;  // not those in cancellation
    EXPECT_FALSE(contains(beyond(judge()), "dx: share correctly rounded")) << misrounded << " misrounded";
    value = round_to(dtype_, value) + 2 * half_ulp(dtype_, value);
    ++misrounded;
  }
  ASSERT_EQ(misrounded, 5);
  EXPECT_TRUE(contains(beyond(judge()), "dx: share correctly rounded"));
}

TEST_F(VerificationTest, SeesAMissingTermByFiniteDifferencesAlone) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    make(dtype, {200, 64});
    // dx without the mean of w, a common mistake: its mean over the row is no longer that of dsum.
    for (std::int64_t i = 0; i < problem_->rows; ++i) {
      double m1 = 0;
      for (std::int64_t j = 0; j < 64; ++j) m1 += problem_->dy.value(i * 64 + j) * problem_->gamma->value(j) / 64;
      for (std::int64_t j = 0; j < 64; ++j) dx_[static_cast<std::size_t>(i * 64 + j)] += problem_->rstd.value(i) * m1;
    }
    EXPECT_TRUE(contains(beyond(judge()), "dx: finite differences"));
  }
}

// Every check of an element, in every dtype, at the first, a middle and the last element, in both directions; and the
// same for results of another implementation that are too far from ours.
TEST_F(VerificationTest, SeesAnErrorOfEitherSignAnywhere) {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    make(dtype, {200, 64});
    ASSERT_EQ(beyond(judge(dtype, dx_, dgamma_, dbeta_)), std::vector<std::string>());
    const auto expect = [&](std::vector<double>& result, const std::string& name, const auto& error,
                            const std::vector<std::string>& measures) {
      for (const std::size_t at : {std::size_t{0}, result.size() / 2 + 3, result.size() - 1}) {
        for (const double sign : {1.0, -1.0}) {
          SCOPED_TRACE(testing::Message() << dtype_name(dtype) << " " << name << "[" << at << "] " << sign);
          const double kept = result[at];
          result[at] += sign * error(kept);
          const auto names = beyond(judge());
          for (const std::string& measure : measures) EXPECT_TRUE(contains(names, name + ": " + measure)) << measure;
          result[at] = kept;
        }
      }
    };
    if (dtype == DType::float32) {
      const double error = 2e-6 * largest(dx_);
      expect(dx_, "dx", [&](double) { return error; }, {"max error / row's scale", "max error / max |dx|"});
    } else {
      expect(dx_, "dx", [&](double value) { return 4 * half_ulp(dtype, value); }, {"max ulps", "elements beyond"});
    }
    for (auto* sums : {&dgamma_, &dbeta_}) {
      const double error = 1e-5 * largest(*sums);
      expect(*sums, sums == &dgamma_ ? "dgamma" : "dbeta", [&](double) { return error; }, {"max error / rms"});
    }
    // Of another implementation.
    std::vector<double> dx = dx_, dgamma = dgamma_, dbeta = dbeta_;
    for (auto* theirs : {&dx, &dgamma, &dbeta}) {
      const std::string name = theirs == &dx ? "dx" : theirs == &dgamma ? "dgamma" : "dbeta";
      const double error = 10 * expected_bound(dtype) * largest(*theirs);
      for (const std::size_t at : {std::size_t{0}, theirs->size() / 2 + 3, theirs->size() - 1}) {
        for (const double off : {error, -error, double{NAN}, double{INFINITY}, -double{INFINITY}}) {
          SCOPED_TRACE(testing::Message() << dtype_name(dtype) << " expected_" << name << "[" << at << "] " << off);
          const double kept = (*theirs)[at];
          (*theirs)[at] += off;
          const std::vector<std::string> names = beyond(judge(dtype, dx, dgamma, dbeta));
          ASSERT_EQ(names.size(), 1u);
          EXPECT_EQ(names[0], name + (std::isfinite(off) ? ": expected_" + name + " and ours apart / scale"
                                                         : ": NaN or infinity unlike expected_" + name));
          (*theirs)[at] = kept;
        }
      }
    }
  }
}

TEST_F(VerificationTest, SeesAPlantedNanOrInfinityAnywhere) {
  for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
    make(dtype, {20, 300});
    for (auto* result : {&dx_, &dgamma_, &dbeta_}) {
      for (const std::size_t at : {std::size_t{0}, result->size() / 2, result->size() - 1}) {
        for (const double planted : {double{NAN}, double{INFINITY}, -double{INFINITY}}) {
          const double kept = (*result)[at];
          (*result)[at] = planted;
          const Verification verification = judge();
          EXPECT_FALSE(verification.ok()) << dtype_name(dtype) << " " << at << " " << planted;
          for (const std::string& note : verification.notes) EXPECT_EQ(note.find("not judged"), note.npos) << note;
          (*result)[at] = kept;
        }
      }
    }
  }
}

TEST_F(VerificationTest, FiniteDifferencesSeeErrorsOfEitherSign) {
  // Of many rows some are off in either direction whatever the sign is; one row is not.
  for (const auto& [rows, sign] : {std::pair{200, 1.0}, {200, -1.0}, {1, 1.0}, {1, -1.0}}) {
    make(DType::float32, {rows, 64});
    for (double& value : dgamma_) value *= 1 + sign * 0.01;
    for (double& value : dbeta_) value *= 1 + sign * 0.01;
    auto names = beyond(judge());
    for (const char* name : {"dgamma", "dbeta"}) {
      EXPECT_TRUE(contains(names, std::string(name) + ": finite difference / allowed")) << name << sign;
    }
    for (double& value : dx_) value *= 1 + sign * 0.01;
    EXPECT_TRUE(contains(beyond(judge()), "dx: finite differences")) << sign;
  }
}

TEST_F(VerificationTest, SeesWrongSums) {
  make(DType::float32, {300, 64});
  dgamma_[5] += 1e-4;  // of an rms of 17
  EXPECT_EQ(beyond(judge()), std::vector<std::string>{"dgamma: max error / rms"});
  dgamma_[5] -= 1e-4;
  for (double& value : dbeta_) value *= 1.01;
  const auto names = beyond(judge());
  EXPECT_TRUE(contains(names, "dbeta: max error"));
  EXPECT_TRUE(contains(names, "dbeta: finite difference"));
  EXPECT_FALSE(contains(names, "dgamma"));
}

TEST_F(VerificationTest, SeesNanAndInfinity) {
  make(DType::float16, {20, 300});
  dx_[50] = NAN;
  EXPECT_TRUE(contains(beyond(judge()), "dx: NaN or infinity"));
  make(DType::float32, {20, 300});
  dbeta_[50] = INFINITY;
  EXPECT_TRUE(contains(beyond(judge()), "dbeta: NaN or infinity"));
}

TEST_F(VerificationTest, ZerosMustBeZeros) {
  make(DType::float32, {300, 1}, 0, false);  // D = 1: dx and dgamma are 0
  EXPECT_EQ(dx_[3], 0.0);
  EXPECT_EQ(dgamma_[0], 0.0);
  EXPECT_TRUE(judge().ok());
  dx_[3] = 1e-3;
  EXPECT_FALSE(judge().ok());
  dx_[3] = 0;
  dgamma_[0] = 1e-3;
  EXPECT_FALSE(judge().ok());
}

}  // namespace
}  // namespace alng::cli
