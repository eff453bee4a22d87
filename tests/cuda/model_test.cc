// The device cuda:model: the whole case list through alng's own door, on the kernels for GPUs, against the reference,
// bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "cases/forward_instance.h"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Case;

struct Way {
  const char* isa;
  int multiprocessors;
  Placement placement;
  std::size_t shift;
};

// Rows times warps: the model takes some 100 us for a warp and a row.
std::int64_t cost(const Case& what) { return what.rows() * ((what.columns() + 511) / 512); }
std::vector<Case> of_cost(std::vector<Case> list, std::int64_t from, std::int64_t to) {
  std::erase_if(list, [&](const Case& what) { return cost(what) < from || cost(what) >= to; });
  return list;
}
constexpr std::int64_t quick = 350, endless = 30'000, all = std::int64_t{1} << 40;

template <class Instance>
void expect_the_bits_of_the_reference(const Instance& instance) {
  const Outcome expected = run_reference(instance);
  // Copies arrive early, late and in between; tensors on 16 bytes and beside; few multiprocessors and all.
  const Way ways[] = {
      {"sm_90", 2, Placement::start, 0}, {"sm_80", 0, Placement::start, 0}, {"sm_90", 3, Placement::end, 1}};
  int schedule = 0;
  for (const Way& way : ways) {
    // Of the longest one schedule, in which tensors lie beside 16 bytes where they may.
    if (cost(instance.what()) >= endless && schedule++ < 2) continue;
    SCOPED_TRACE(std::string(way.isa) + ", schedule " + std::to_string(schedule));
    setenv("ALNG_CUDA_SCHEDULE", std::to_string(schedule++).c_str(), 1);
    HowToRun how;
    how.plan.device = "cuda:model";
    how.plan.isa = way.isa;
    how.plan.threads = way.multiprocessors;
    how.placement = way.placement;
    how.shift = way.shift;
    const Outcome got = run_case(instance, how);
    ASSERT_TRUE(got.status.ok()) << got.status.message();
    EXPECT_EQ(got.isa, way.isa);
    EXPECT_EQ(difference(instance, expected, got), "");
    EXPECT_EQ(got.damage, "");
  }
}

class CudaModel : public testing::TestWithParam<Case> {};
class ForwardCudaModel : public testing::TestWithParam<Case> {};

TEST_P(CudaModel, HasTheBitsOfTheReference) { expect_the_bits_of_the_reference(cases::Instance(GetParam())); }
TEST_P(ForwardCudaModel, HasTheBitsOfTheReference) {
  expect_the_bits_of_the_reference(cases::ForwardInstance(GetParam(), false));
}
TEST_P(ForwardCudaModel, HasThemWithARoundedSum) {
  if (GetParam().dtype == DType::float32) GTEST_SKIP() << "the sum is float32 anyway";
  expect_the_bits_of_the_reference(cases::ForwardInstance(GetParam(), true));
}

INSTANTIATE_TEST_SUITE_P(Quick, CudaModel, testing::ValuesIn(of_cost(cases::all_cases(), 0, quick)), case_name);
INSTANTIATE_TEST_SUITE_P(Quick, ForwardCudaModel, testing::ValuesIn(of_cost(cases::forward_cases(), 0, quick)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Slow, CudaModel, testing::ValuesIn(of_cost(cases::all_cases(), quick, endless)), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, ForwardCudaModel, testing::ValuesIn(of_cost(cases::forward_cases(), quick, endless)),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Endless, CudaModel, testing::ValuesIn(of_cost(cases::all_cases(), endless, all)), case_name);
INSTANTIATE_TEST_SUITE_P(Endless, ForwardCudaModel, testing::ValuesIn(of_cost(cases::forward_cases(), endless, all)),
                         case_name);

// dsum = -dx of the problem without dsum: what is left shows the last bits of the row sums, which the rounding of dx to
// 16 bits hides.
TEST(CudaModelDevice, HasTheRowSumsToTheLastBit) {
  constexpr std::int64_t rows = 6;
  for (const DType dtype : {DType::bfloat16, DType::float16}) {
    for (const std::int64_t columns : {64, 384, 776, 777, 1600, 4096, 6001, 8192, 9000, 20000}) {
      const auto elements = static_cast<std::size_t>(rows * columns);
      std::mt19937 random(static_cast<unsigned>(columns));
      const auto numbers = [&](std::size_t count) {
        std::vector<std::uint16_t> values(count);
        const unsigned one = dtype == DType::bfloat16 ? 0x3F00 : 0x3A00;
        for (auto& value : values) value = static_cast<std::uint16_t>(one + random() % 512 + (random() % 2 << 15));
        return values;
      };
      const auto dy = numbers(elements), x1 = numbers(elements), x2 = numbers(elements),
                 gamma = numbers(static_cast<std::size_t>(columns));
      const std::vector<float> rstd(rows, 1.3f), mean(rows, 0.1f);
      std::vector<std::uint16_t> dsum(elements);
      const auto run = [&](const char* device, const char* isa, bool with_dsum) {
        GradDescription description = GradDescription::dense(dtype, rows, columns);
        if (!with_dsum) description.dsum.reset();
        description.dgamma.reset();
        description.dbeta.reset();
        std::vector<std::uint16_t> dx(elements);
        GradArguments arguments;
        arguments.dy = dy.data();
        arguments.x1 = x1.data();
        arguments.x2 = x2.data();
        arguments.gamma = gamma.data();
        arguments.rstd = rstd.data();
        arguments.mean = mean.data();
        if (with_dsum) arguments.dsum = dsum.data();
        arguments.dx = dx.data();
        PlanOptions options;
        options.device = device;
        options.isa = isa;
        options.threads = *isa != 0 ? 1 : 0;
        const Status status = add_layer_norm_grad(description, arguments, options);
        EXPECT_TRUE(status.ok()) << status.message();
        return dx;
      };
      dsum = run("reference", "", false);
      for (auto& value : dsum) value ^= 0x8000;
      const auto expected = run("reference", "", true);
      for (const char* isa : {"sm_90", "sm_80"}) {
        EXPECT_EQ(expected, run("cuda:model", isa, true)) << dtype_name(dtype) << ", " << columns << ", " << isa;
      }
    }
  }
}

// Leaves of 33 rows are a block of 32 and one of 1. Sums alone, since dx of so many rows would take the model minutes.
TEST(CudaModelDevice, AddsLeavesInBlocks) {
  constexpr std::int64_t rows = 34'000, columns = 5;
  GradDescription description = GradDescription::dense(DType::float32, rows, columns);
  for (auto* absent : {&description.dsum, &description.dx, &description.gamma}) absent->reset();
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const auto numbers = [&](std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = normal(random);
    return values;
  };
  const auto dy = numbers(rows * columns), x1 = numbers(rows * columns), x2 = numbers(rows * columns),
             rstd = numbers(rows), mean = numbers(rows);
  const auto run = [&](const char* device) {
    std::vector<float> sums(2 * columns);
    GradArguments arguments;
    arguments.dy = dy.data();
    arguments.x1 = x1.data();
    arguments.x2 = x2.data();
    arguments.rstd = rstd.data();
    arguments.mean = mean.data();
    arguments.dgamma = sums.data();
    arguments.dbeta = sums.data() + columns;
    PlanOptions options;
    options.device = device;
    const Status status = add_layer_norm_grad(description, arguments, options);
    EXPECT_TRUE(status.ok()) << status.message();
    return sums;
  };
  EXPECT_EQ(run("reference"), run("cuda:model"));
}

TEST(CudaModelDevice, IsListedAndNeverChosenUnasked) {
  const std::vector<Availability> known = devices();
  const auto found =
      std::ranges::find_if(known, [](const Availability& device) { return device.name == "cuda:model"; });
  ASSERT_NE(found, known.end());
  EXPECT_TRUE(found->available);
  EXPECT_EQ(found->reason, "the kernels for NVIDIA's GPUs on a host model, very slow");
  const GradProblem problem = GradProblem::create(GradDescription::dense(DType::float16, 64, 1024)).value();
  EXPECT_EQ(GradPlan::create(problem)->device(), "cpu");
  PlanOptions options;
  options.device = "cuda:model";
  const Result<GradPlan> plan = GradPlan::create(problem, options);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->device(), "cuda:model");
  EXPECT_EQ(plan->isa(), "sm_90");
  for (const char* part : {"GPU: sm_90 with 132 multiprocessors, on a host model: exact and slow\n",
                           "rows: 4 at a time in a block of 256 threads, ", "inputs: bulk copies of rows, 3 stages, ",
                           "leaves: 8, in units of ", "where a tensor does not lie on 16 bytes:\n"}) {
    EXPECT_NE(plan->explain().find(part), std::string::npos) << part << plan->explain();
  }
}

TEST(CudaModelDevice, RefusesWhatIsNoGpu) {
  const GradProblem problem = GradProblem::create(GradDescription::dense(DType::float16, 64, 1024)).value();
  PlanOptions options;
  options.device = "cuda:model";
  options.isa = "avx2";
  const Result<GradPlan> plan = GradPlan::create(problem, options);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.status().code(), Code::unsupported);
  EXPECT_EQ(plan.status().message(), "isa is \"avx2\" but cuda:model has sm_90 or sm_80");
}

}  // namespace
}  // namespace alng::test
