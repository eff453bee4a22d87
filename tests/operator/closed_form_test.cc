// Answers that can be said without computing: the reference and the default plan must give exactly these.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "alng/alng.hpp"
#include "cases/element.h"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Instance;

std::vector<double> values(DType dtype, const std::vector<std::byte>& elements) {
  std::vector<double> out(elements.size() / dtype_size(dtype));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = cases::load(dtype, elements.data() + i * dtype_size(dtype));
  return out;
}

class ClosedForm : public testing::TestWithParam<const char*> {
 protected:
  Outcome run(const Instance& instance) {
    HowToRun how;
    how.plan.device = GetParam();
    Outcome out = run_case(instance, how);
    EXPECT_TRUE(out.status.ok()) << out.status.message();
    return out;
  }
};

// pytorch #188372, #188375: uncentred sums gave a nonzero weight gradient here.
TEST_P(ClosedForm, OneColumnHasNoGradientOfGamma) {
  for (const char* name :
       {"columns_1_fp32_gammaT_dsum_x2", "columns_1_fp16_gammaT_x2", "columns_1_bf16_gammanone_x2"}) {
    SCOPED_TRACE(name);
    const Instance instance(case_named(name));
    const Outcome out = run(instance);
    ASSERT_EQ(out.outputs[1].size(), sizeof(float));
    EXPECT_EQ(values(DType::float32, out.outputs[1])[0], 0.0);
    // One column is its own mean, so dx is dsum or nothing.
    const DType dtype = instance.what().dtype;
    const std::vector<double> dx = values(dtype, out.outputs[0]);
    const std::vector<double> dsum =
        instance.what().dsum ? instance.numbers(grad::dsum) : std::vector<double>(dx.size());
    EXPECT_EQ(dx, dsum);
  }
}

// tt-metal PR 53215: the mean of dy*gamma was subtracted twice, and a tolerance of 0.5 hid it.
TEST_P(ClosedForm, ConstantGradientWithoutGammaMovesNothing) {
  for (const char* name : {"dy_constant_fp32_gammanone_x2", "dy_constant_bf16_gammanone_x2"}) {
    SCOPED_TRACE(name);
    const Instance instance(case_named(name));
    const std::vector<double> dx = values(instance.what().dtype, run(instance).outputs[0]);
    const std::vector<double> dy = instance.numbers(grad::dy);
    const std::vector<double> rstd = instance.numbers(grad::rstd);
    for (std::size_t i = 0; i < dx.size(); ++i) {
      // 129 terms and their mean: a few roundings of w, nothing more.
      ASSERT_LE(std::fabs(dx[i]), 1e-6 * std::fabs(dy[i] * rstd[i / 129])) << "at " << i;
    }
  }
}

TEST_P(ClosedForm, OnesAddUpToTheNumberOfRows) {
  for (const char* name : {"dy_one_fp32_gammaT_x2", "dy_one_fp16_gammaT_x2", "dy_one_bf16_gammanone_x2"}) {
    SCOPED_TRACE(name);
    const Outcome out = run(Instance(case_named(name)));
    for (const double value : values(DType::float32, out.outputs[2])) ASSERT_EQ(value, 1000.0);
  }
}

TEST_P(ClosedForm, WithoutGradientDxIsDsum) {
  for (const char* name :
       {"dy_zero_fp32_gammaT_dsum_x2", "dy_zero_fp16_gammaT_dsum_x2", "dy_zero_bf16_gammaT_dsum_x2"}) {
    SCOPED_TRACE(name);
    const Instance instance(case_named(name));
    const Outcome out = run(instance);
    EXPECT_EQ(values(instance.what().dtype, out.outputs[0]), instance.numbers(grad::dsum));
    for (const double value : values(DType::float32, out.outputs[1])) ASSERT_EQ(value, 0.0);
    for (const double value : values(DType::float32, out.outputs[2])) ASSERT_EQ(value, 0.0);
  }
}

// pytorch PR 28614: an empty batch has sums, and they are zero.
TEST_P(ClosedForm, NoRowsAddNothing) {
  const Outcome out = run(Instance(case_named("rows_0_bf16_gammaT_dsum_x2")));
  EXPECT_EQ(values(DType::float32, out.outputs[1]), std::vector<double>(64, 0.0));
  EXPECT_EQ(values(DType::float32, out.outputs[2]), std::vector<double>(64, 0.0));
  const Instance adding(case_named("rows_0_accumulate_fp32_gammaT_x2"));
  const Outcome sum = run(adding);
  EXPECT_EQ(values(DType::float32, sum.outputs[1]), adding.numbers(grad::dgamma));
  EXPECT_EQ(values(DType::float32, sum.outputs[2]), adding.numbers(grad::dbeta));
}

std::uint32_t canonical_nan(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return 0x7E00u;
    case DType::bfloat16:
      return 0x7FC0u;
    default:
      return 0x7FC00000u;
  }
}

// NaN goes to its own row of dx and its own column of the sums, and everywhere it has the same bits.
TEST_P(ClosedForm, NanStaysInItsRowAndColumn) {
  for (const char* name : {"nan_inf_fp32_gammaT_dsum_x2", "nan_inf_fp16_gammafp32_x2", "nan_inf_bf16_gammaT_dsum"}) {
    SCOPED_TRACE(name);
    const Instance instance(case_named(name));
    const DType dtype = instance.what().dtype;
    const std::size_t columns = 129, rows = 131;
    std::vector<bool> row_may(rows), column_may(columns), gamma_may(columns);
    const auto mark = [&](int tensor) {
      if (!instance.layout(tensor)) return;
      const std::vector<double> numbers = instance.numbers(tensor);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (std::isfinite(numbers[i])) continue;
        if (tensor == grad::gamma) {
          row_may.assign(rows, true);
          continue;
        }
        row_may[i / columns] = true;
        if (tensor != grad::dsum) column_may[i % columns] = true;
      }
    };
    for (const int tensor : {grad::dy, grad::x1, grad::x2, grad::gamma, grad::dsum}) mark(tensor);
    const Outcome out = run(instance);
    const std::vector<double> dx = values(dtype, out.outputs[0]);
    std::size_t nans = 0;
    for (std::size_t i = 0; i < dx.size(); ++i) {
      if (std::isfinite(dx[i])) continue;
      ASSERT_TRUE(row_may[i / columns]) << "dx at row " << i / columns;
      if (!std::isnan(dx[i])) continue;
      ++nans;
      std::uint32_t bits = 0;
      std::memcpy(&bits, out.outputs[0].data() + i * dtype_size(dtype), dtype_size(dtype));
      ASSERT_EQ(bits, canonical_nan(dtype));
    }
    EXPECT_GT(nans, 0u);
    for (const std::size_t o : {std::size_t{1}, std::size_t{2}}) {
      const std::vector<double> sums = values(DType::float32, out.outputs[o]);
      for (std::size_t j = 0; j < columns; ++j) {
        if (std::isfinite(sums[j])) continue;
        ASSERT_TRUE(column_may[j]) << "sum " << o << " at column " << j;
        if (!std::isnan(sums[j])) continue;
        std::uint32_t bits = 0;
        std::memcpy(&bits, out.outputs[o].data() + j * sizeof bits, sizeof bits);
        ASSERT_EQ(bits, canonical_nan(DType::float32));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Device, ClosedForm, testing::Values("reference", "cpu"));

}  // namespace
}  // namespace alng::test
