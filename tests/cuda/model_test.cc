// The device cuda:model: the whole case list through alng's own door, on the kernels for GPUs, against the reference,
// bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
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
  int blocks;
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
  // Copies arrive early, late and in between; tensors on 16 bytes and beside; few blocks and all.
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
    how.plan.threads = way.blocks;
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

/// A gradient of random float32 or 16-bit numbers, of everything or of what is left of it.
struct Gradient {
  Gradient(DType dtype, std::int64_t rows, std::int64_t columns)
      : description(GradDescription::dense(dtype, rows, columns)),
        element(dtype_size(dtype)),
        rstd(static_cast<std::size_t>(rows)),
        mean(rstd.size()),
        sums(2 * static_cast<std::size_t>(columns)) {
    std::mt19937 random(static_cast<unsigned>(columns));
    // Numbers around 1 and -1, in bits.
    const std::uint32_t near_one = dtype == DType::float16 ? 0x3A00 : 0x3F00;
    for (auto* tensor : {&dy, &x1, &x2, &dsum, &dx, &gamma}) {
      tensor->resize(static_cast<std::size_t>(tensor == &gamma ? columns : rows * columns) * element);
      for (std::size_t i = 0; i < tensor->size(); i += 2) {
        std::uint16_t bits = static_cast<std::uint16_t>(random());
        if ((i + 2) % element == 0) bits = static_cast<std::uint16_t>(near_one + bits % 512 + (bits >> 9 << 15));
        std::memcpy(tensor->data() + i, &bits, sizeof bits);
      }
    }
    std::normal_distribution<float> normal;
    for (auto* values : {&rstd, &mean}) std::ranges::generate(*values, [&] { return normal(random); });
  }

  void run(const char* device, const char* isa = "", int blocks = 0) {
    GradArguments a;
    a.dy = dy.data();
    a.x1 = x1.data();
    a.x2 = x2.data();
    a.rstd = rstd.data();
    a.mean = mean.data();
    a.gamma = gamma.data();
    if (description.dsum) a.dsum = dsum.data();
    if (description.dx) a.dx = dx.data();
    a.dgamma = sums.data();
    a.dbeta = sums.data() + sums.size() / 2;
    PlanOptions options;
    options.device = device;
    options.isa = isa;
    options.threads = blocks;
    const Status status = add_layer_norm_grad(description, a, options);
    EXPECT_TRUE(status.ok()) << status.message();
  }

  GradDescription description;
  std::size_t element;
  std::vector<std::byte> dy, x1, x2, dsum, dx, gamma;
  std::vector<float> rstd, mean, sums;
};

// On sm_120 a block has less than half of the others' shared memory: fewer stages, or dsum left out of them.
void expect_the_same(Gradient problem, int blocks) {
  problem.run("reference");
  for (const char* isa : {"sm_90", "sm_80", "sm_120"}) {
    Gradient again = problem;
    again.run("cuda:model", isa, blocks);
    EXPECT_TRUE(problem.dx == again.dx) << isa;
    EXPECT_EQ(problem.sums, again.sums) << isa;
  }
}

// dsum = -dx of the problem without dsum: what is left shows the last bits of the row sums, which the rounding of dx to
// 16 bits hides.
TEST(CudaModelDevice, HasTheRowSumsToTheLastBit) {
  for (const DType dtype : {DType::bfloat16, DType::float16}) {
    for (const std::int64_t columns : {8,    64,   128,  200,  33,   129,   256,   384,   776,   777,
                                       1600, 4096, 6001, 8192, 9000, 16384, 20000, 33008, 65536, 65544}) {
      SCOPED_TRACE(std::string(dtype_name(dtype)) + ", " + std::to_string(columns));
      Gradient problem(dtype, 6, columns);
      const auto dsum = problem.description.dsum;
      problem.description.dsum.reset();
      problem.run("reference");
      problem.description.dsum = dsum;
      problem.dsum = problem.dx;
      for (std::size_t i = 1; i < problem.dsum.size(); i += 2) problem.dsum[i] ^= std::byte{0x80};
      expect_the_same(problem, 1);
    }
  }
}

// Units of 8 leaves, the last of seven, in rows that are read once.
TEST(CudaModelDevice, AddsLeavesWithinUnits) {
  for (const std::int64_t columns : {2056, 2057}) expect_the_same(Gradient(DType::bfloat16, 120, columns), 2);
  expect_the_same(Gradient(DType::float32, 120, 2056), 2);
}

// Few columns: some rows at once, which are of several leaves, of several blocks of 32 rows in a leaf, or fewer than
// there is room for; in vectors of 16 bytes and one by one.
TEST(CudaModelDevice, AddsRowsOfFewColumns) {
  for (const DType dtype : {DType::bfloat16, DType::float32}) {
    for (const std::int64_t columns : {8, 64, 120, 128, 256, 33, 65, 129}) {
      SCOPED_TRACE(std::string(dtype_name(dtype)) + ", " + std::to_string(columns));
      expect_the_same(Gradient(dtype, 1003, columns), 2);
      expect_the_same(Gradient(dtype, 3, columns), 0);
    }
  }
  expect_the_same(Gradient(DType::bfloat16, 40'000, 64), 3);
}

// 67 units, of which the last three are added by one thread; leaves of 33 rows, a block of 32 and one of 1. Sums alone,
// since dx of so many rows would take the model minutes.
TEST(CudaModelDevice, AddsAnyNumberOfRows) {
  for (const std::int64_t rows : {531, 34'000}) {
    Gradient problem(DType::float32, rows, 5);
    problem.description.dsum.reset();
    problem.description.dx.reset();
    expect_the_same(problem, 0);
  }
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
  EXPECT_EQ(plan.status().message(), "isa is \"avx2\" but cuda:model has sm_90 or sm_80 or sm_100 or sm_120");
}

}  // namespace
}  // namespace alng::test
