// The kernel on the twin, called directly: shapes at its edges, every option, any number of cores, on every product.
// The twin runs without automatic synchronisation, so a finding of any kind fails the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "ascend/tests/kernel_run.h"
#include "operator/accuracy.h"

namespace alng::test {
namespace {

// The bits within bounds, and nothing found.
void expect_right(const cases::Case& what, const KernelRun& how) {
  const cases::Instance instance(what);
  const KernelOutcome got = run_kernel(instance, how);
  ASSERT_EQ(got.refusal, "");
  EXPECT_EQ(got.report.sentences(), "");
  EXPECT_EQ(beyond_bounds(instance, truth_of(instance), got.outcome), "");
  EXPECT_LE(got.report.cores[0].ub_bytes, got.tiling.unified_buffer_bytes);
}

std::string words(const cases::Case& what) {
  const char* dtypes[] = {"float32", "float16", "bfloat16"};
  std::string text = what.name + " " + dtypes[static_cast<int>(what.dtype) - 1];
  text += !what.gamma ? " without gamma" : *what.gamma == DType::float32 ? " gamma float32" : " gamma T";
  return text + (what.dsum ? " dsum" : "");
}

class Kernel : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Products, Kernel, testing::Values("a2", "a3", "950pr", "950dt"),
                         [](const auto& product) { return std::string(product.param); });

// Around blocks of 8 and 16, lanes of 64, tiles of several rows, rows in chunks, rows beyond UB.
TEST_P(Kernel, EveryTailAndOption) {
  const std::vector<std::pair<std::int64_t, std::int64_t>> shapes = {
      {1, 1},    {37, 1},     {37, 2},    {5, 7},     {130, 8},   {37, 15},   {37, 16},   {37, 17},  {900, 31},
      {700, 33}, {37, 63},    {400, 64},  {400, 65},  {37, 127},  {129, 128}, {37, 129},  {11, 511}, {200, 512},
      {33, 513}, {97, 768},   {97, 1023}, {97, 1024}, {97, 1025}, {13, 2047}, {13, 4096}, {9, 4097}, {9, 5000},
      {3, 8191}, {100, 8192}, {3, 8193},  {5, 12289}, {3, 20000}, {2, 33000}};
  for (const auto& [rows, columns] : shapes) {
    int option = 0;
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
      // Each shape with a different option in each dtype; over the shapes every option with every dtype.
      cases::Case what = kernel_case(rows, columns, dtype);
      const int choice = static_cast<int>(columns + rows + 2 * option++) % 6;
      what.dsum = choice % 2 == 0;
      if (choice / 2 == 0) what.gamma.reset();
      if (choice / 2 == 1) what.gamma = DType::float32;
      SCOPED_TRACE(words(what));
      expect_right(what, {.product = GetParam()});
    }
  }
}

// Rows that come in chunks, several to a leaf: on 2201 the dx of one is formed among the chunks of the next.
TEST_P(Kernel, RowsInChunksAfterEachOther) {
  for (const std::int64_t columns : {4200, 6000, 8191}) {
    for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
      for (const bool option : {true, false}) {
        cases::Case what = kernel_case(300, columns, dtype);
        what.dsum = option;
        if (option == (columns == 6000)) what.gamma.reset();
        SCOPED_TRACE(words(what));
        expect_right(what, {.product = GetParam()});
      }
    }
  }
}

// Up to where rows of 16 bits still lie in UB once, and just beyond.
TEST_P(Kernel, WideRowsOf16Bits) {
  for (const std::int64_t columns : {8704, 8705, 11521, 12288, 13312, 13313}) {
    for (const DType dtype : {DType::float16, DType::bfloat16}) {
      for (const bool gamma : {true, false}) {
        cases::Case what = kernel_case(5, columns, dtype);
        if (!gamma) what.gamma.reset();
        SCOPED_TRACE(words(what));
        expect_right(what, {.product = GetParam()});
      }
    }
  }
}

TEST_P(Kernel, OutputsThatAreNotWanted) {
  for (const auto& [rows, columns] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{97, 200}, {9, 5000}, {5, 12289}}) {
    for (int wanted = 1; wanted < 8; ++wanted) {
      for (const DType dtype : {DType::float32, DType::float16}) {
        cases::Case what = kernel_case(rows, columns, dtype);
        what.wants_dx = (wanted & 1) != 0;
        what.wants_dgamma = (wanted & 2) != 0;
        what.wants_dbeta = (wanted & 4) != 0;
        SCOPED_TRACE(words(what) + " wanted " + std::to_string(wanted));
        expect_right(what, {.product = GetParam()});
      }
    }
  }
}

TEST_P(Kernel, NumbersThatAreHard) {
  for (const cases::Values values : {cases::Values::ratio_1000, cases::Values::dy_zero, cases::Values::dy_constant,
                                     cases::Values::x_constant, cases::Values::signed_zero}) {
    for (const std::int64_t columns : {7, 129, 768, 5000}) {
      for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
        cases::Case what = kernel_case(37, columns, dtype);
        what.values = values;
        SCOPED_TRACE(words(what) + " values " + std::to_string(static_cast<int>(values)));
        expect_right(what, {.product = GetParam()});
      }
    }
  }
}

// The column sums of many rows, where chains of additions would show.
TEST_P(Kernel, ManyRows) {
  for (const auto& [rows, columns] : std::vector<std::pair<std::int64_t, std::int64_t>>{{65537, 16}, {20000, 40}}) {
    for (const DType dtype : {DType::float32, DType::bfloat16}) {
      const cases::Case what = kernel_case(rows, columns, dtype);
      SCOPED_TRACE(words(what));
      expect_right(what, {.product = GetParam()});
    }
  }
}

TEST_P(Kernel, NoRowsGiveZeros) {
  for (const std::int64_t columns : {1, 64, 1000}) {
    const cases::Instance instance(kernel_case(0, columns));
    const KernelOutcome got = run_kernel(instance, {.product = GetParam()});
    ASSERT_EQ(got.refusal, "");
    EXPECT_EQ(got.report.sentences(), "");
    for (const std::size_t output : {1u, 2u}) {
      ASSERT_EQ(got.outcome.outputs[output].size(), static_cast<std::size_t>(columns) * sizeof(float));
      for (const std::byte byte : got.outcome.outputs[output]) ASSERT_EQ(byte, std::byte{0});
    }
  }
}

TEST_P(Kernel, SameBitsForAnyNumberOfCoresAndEveryRun) {
  for (const auto& [rows, columns] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1500, 48}, {1000, 200}, {350, 768}, {70, 5000}, {40, 12289}}) {
    for (const DType dtype : {DType::float32, DType::bfloat16}) {
      const cases::Instance instance(kernel_case(rows, columns, dtype));
      const KernelOutcome first = run_kernel(instance, {.product = GetParam(), .cores = 1});
      ASSERT_EQ(first.refusal, "");
      EXPECT_EQ(first.report.sentences(), "");
      for (const int cores : {1, 20, 40, 48, 72}) {
        const KernelOutcome other = run_kernel(instance, {.product = GetParam(), .cores = cores});
        SCOPED_TRACE(words(instance.what()) + " on " + std::to_string(cores) + " cores");
        EXPECT_EQ(other.report.sentences(), "");
        for (std::size_t o = 0; o < 3; ++o) EXPECT_EQ(first.outcome.outputs[o], other.outcome.outputs[o]);
      }
    }
  }
}

TEST_P(Kernel, SameBitsWithAutomaticSynchronisation) {
  for (const std::int64_t columns : {100, 1024, 5000, 12289}) {
    const cases::Instance instance(kernel_case(33, columns));
    const KernelOutcome off = run_kernel(instance, {.product = GetParam(), .auto_sync = false});
    const KernelOutcome on = run_kernel(instance, {.product = GetParam(), .auto_sync = true});
    EXPECT_EQ(off.report.sentences(), "");
    EXPECT_EQ(on.report.sentences(), "");
    for (std::size_t o = 0; o < 3; ++o) EXPECT_EQ(off.outcome.outputs[o], on.outcome.outputs[o]);
  }
}

// Chunks of 64 columns, so that rows of hundreds of columns take the ways that only very wide ones take otherwise.
TEST_P(Kernel, LittleUnifiedBuffer) {
  for (const std::uint32_t buffer : {40000u, 60000u, 90000u}) {
    for (const std::int64_t columns : {63, 64, 65, 640, 1000, 3000}) {
      for (const DType dtype : {DType::float32, DType::float16, DType::bfloat16}) {
        const cases::Case what = kernel_case(40, columns, dtype);
        SCOPED_TRACE(words(what) + " in " + std::to_string(buffer) + " bytes");
        expect_right(what, {.product = GetParam(), .buffer_bytes = buffer});
      }
    }
  }
}

// Cycles per row of the slowest core with everything from the launch to the last byte, 64 rows to a core.
double cycles_per_row(const char* product, int cores, std::int64_t columns, DType dtype) {
  const cases::Instance instance(kernel_case(std::int64_t{64} * cores, columns, dtype));
  const KernelOutcome got = run_kernel(instance, {.product = product, .cores = cores});
  EXPECT_EQ(got.report.sentences(), "");
  return got.report.cycles / 64;
}

TEST(KernelCycles, ThreeTimesFewerThanTheVendorsOnA2) {
  // float16 with dsum. The vendor's kernel by the same model: 2148, 8303, 22678. The bytes alone: 410, 1638, 3277.
  EXPECT_LE(cycles_per_row("a2", 40, 1024, DType::float16), 650);
  EXPECT_LE(cycles_per_row("a2", 40, 4096, DType::float16), 2100);
  EXPECT_LE(cycles_per_row("a2", 40, 8192, DType::float16), 4260);
}

// 16-bit rows of 12288 columns stay in UB on 950: their bytes alone take 9953 cycles on a 950PR, read twice 2.9 times
// that.
TEST(KernelCycles, WideRowsAreReadOnceOn950) {
  EXPECT_LE(cycles_per_row("950pr", 72, 12288, DType::float16), 1.25 * 9953);
}

}  // namespace
}  // namespace alng::test
