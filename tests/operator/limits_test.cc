// Sizes at which a 32-bit index, a row count or a workspace would give way.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

/// Address space without memory behind it until it is touched.
class Sparse {
 public:
  explicit Sparse(std::size_t size) : size_(size) {
    memory_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  ~Sparse() {
    if (ok()) munmap(memory_, size_);
  }
  Sparse(const Sparse&) = delete;
  Sparse& operator=(const Sparse&) = delete;
  bool ok() const { return memory_ != MAP_FAILED; }
  std::byte* data() const { return static_cast<std::byte*>(memory_); }

 private:
  std::size_t size_;
  void* memory_;
};

// pytorch #181555, vllm #22419, Paddle PR 79528, TransformerEngine #2918: 32-bit offsets beyond 2^32 elements. Three
// rows, 2^31 elements apart, so the third begins at element 2^32; only three rows of pages are ever touched.
TEST(Limits, RowsBeyondTwoToThe32Elements) {
  constexpr std::int64_t distance = std::int64_t{1} << 31;
  cases::Case what = case_named("columns_129_bf16_gammaT_dsum_x2");
  what.shape = {3, 129};
  const cases::Instance dense(what);
  const Outcome expected = run_reference(dense);

  GradDescription far = dense.description();
  for (TensorLayout* layout : {&far.dy, &far.x1, &*far.x2, &*far.dsum, &*far.dx}) layout->strides[0] = distance;
  const std::size_t span = (2 * distance + 129) * 2;
  const Result<GradProblem> problem = GradProblem::create(far);
  ASSERT_TRUE(problem.ok()) << problem.status().message();
  for (const Availability& isa : instruction_sets()) {
    if (!isa.available) continue;
    SCOPED_TRACE(isa.name);
    PlanOptions options;
    options.isa = isa.name;
    const GradPlan plan = GradPlan::create(problem.value(), options).value();
    const Sparse dy(span), x1(span), x2(span), dsum(span), dx(span);
    for (const Sparse* memory : {&dy, &x1, &x2, &dsum, &dx}) {
      if (!memory->ok()) GTEST_SKIP() << "skipped: no address space for 8 GiB";
    }
    const auto place = [&](int tensor, const Sparse& memory) {
      for (std::int64_t row = 0; row < 3; ++row) {
        std::memcpy(memory.data() + row * distance * 2, dense.storage(tensor).data() + row * 129 * 2, 129 * 2);
      }
      return memory.data();
    };
    GradArguments arguments;
    arguments.dy = place(grad::dy, dy);
    arguments.x1 = place(grad::x1, x1);
    arguments.x2 = place(grad::x2, x2);
    arguments.dsum = place(grad::dsum, dsum);
    arguments.rstd = reinterpret_cast<const float*>(dense.storage(grad::rstd).data());
    arguments.mean = reinterpret_cast<const float*>(dense.storage(grad::mean).data());
    arguments.gamma = dense.storage(grad::gamma).data();
    arguments.dx = dx.data();
    Outcome got = expected;
    arguments.dgamma = reinterpret_cast<float*>(got.outputs[1].data());
    arguments.dbeta = reinterpret_cast<float*>(got.outputs[2].data());
    std::vector<std::byte> workspace(plan.workspace_size());
    arguments.workspace = workspace.data();
    arguments.workspace_size = workspace.size();
    for (std::vector<std::byte>& output : got.outputs) std::fill(output.begin(), output.end(), std::byte{0xFF});
    const Status status = plan.run(arguments);
    ASSERT_TRUE(status.ok()) << status.message();
    for (std::size_t row = 0; row < 3; ++row) {
      std::memcpy(got.outputs[0].data() + row * 129 * 2, dx.data() + row * distance * 2, 129 * 2);
    }
    EXPECT_EQ(difference(dense, expected, got), "");
  }
}

// 2^26 rows of one column, every input repeated by stride 0. All rows being the same, a leaf's sum depends on its
// length alone, so the whole tree can be worked out here.
class ManyRows {
 public:
  ManyRows(std::int64_t rows, float dy, float h) : rows_(rows), dy_(dy), h_(h) {}
  float dgamma() const { return tree(0, 1056, true); }
  float dbeta() const { return tree(0, 1056, false); }

 private:
  float leaf(std::int64_t index, bool gamma) const {
    const std::int64_t begin = index * rows_ / 1056, end = (index + 1) * rows_ / 1056;
    float sum = 0;
    for (std::int64_t block = begin; block < end; block += 32) {
      float part = 0;
      for (std::int64_t r = block; r < std::min(block + 32, end); ++r) {
        part = gamma ? std::fma(dy_, h_, part) : part + dy_;
      }
      sum += part;
    }
    return sum;
  }
  float tree(std::int64_t first, std::int64_t count, bool gamma) const {
    if (count == 1) return leaf(first, gamma);
    std::int64_t left = 1;
    while (2 * left < count) left *= 2;
    return tree(first, left, gamma) + tree(first + left, count - left, gamma);
  }

  std::int64_t rows_;
  float dy_, h_;
};

TEST(SlowLimits, TwoToThe26RowsOfOneColumn) {
  constexpr std::int64_t rows = std::int64_t{1} << 26;
  GradDescription description = GradDescription::dense(DType::float32, rows, 1);
  for (TensorLayout* layout : {&description.dy, &description.x1, &description.rstd, &description.mean}) {
    layout->strides[0] = 0;
  }
  description.x2.reset();
  description.dsum.reset();
  description.dx.reset();
  const GradPlan plan = GradPlan::create(GradProblem::create(description).value()).value();
  EXPECT_LE(plan.workspace_size(), (std::size_t{1} << 20) + 512);
  const float dy = 0.37f, x1 = 1.7f, rstd = 1.1f, mean = 0.3f, gamma = 1;
  float dgamma = -1, dbeta = -1;
  GradArguments arguments;
  arguments.dy = &dy;
  arguments.x1 = &x1;
  arguments.rstd = &rstd;
  arguments.mean = &mean;
  arguments.gamma = &gamma;
  arguments.dgamma = &dgamma;
  arguments.dbeta = &dbeta;
  std::vector<std::byte> workspace(plan.workspace_size());
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  const Status status = plan.run(arguments);
  ASSERT_TRUE(status.ok()) << status.message();
  const float c = x1 - mean;
  const ManyRows expected(rows, dy, c * rstd);
  EXPECT_EQ(dgamma, expected.dgamma());
  EXPECT_EQ(dbeta, expected.dbeta());
}

// flashinfer PR 4553 and pytorch PR 193016: a workspace that grows with the rows, or is sized by the wrong dimension.
TEST(Limits, WorkspaceIsBoundedWhateverTheRows) {
  for (const std::int64_t rows : {std::int64_t{1}, std::int64_t{7}, std::int64_t{100}, std::int64_t{8449},
                                  std::int64_t{1} << 20, std::int64_t{1} << 26}) {
    for (const std::int64_t columns : {std::int64_t{1}, std::int64_t{17}, std::int64_t{768}, std::int64_t{4096},
                                       std::int64_t{65537}, std::int64_t{1} << 20}) {
      for (const DType dtype : {DType::float32, DType::bfloat16}) {
        GradDescription dense = GradDescription::dense(dtype, rows, columns);
        GradDescription gathered = dense;
        for (TensorLayout* layout : {&gathered.dy, &gathered.x1, &*gathered.x2, &*gathered.dsum, &*gathered.dx}) {
          layout->strides = {1, rows};
        }
        for (const GradDescription* description : {&dense, &gathered}) {
          const GradProblem problem = GradProblem::create(*description).value();
          for (const int threads : {1, 2, 3, 8, 16, 33, 64, 1000}) {
            PlanOptions options;
            options.device = "cpu";
            options.threads = threads;
            const GradPlan plan = GradPlan::create(problem, options).value();
            const auto of_columns = static_cast<std::size_t>(columns),
                       more = static_cast<std::size_t>(plan.threads() - 1);
            ASSERT_LE(plan.workspace_size(), (1 << 20) + 512 * of_columns + more * ((256 << 10) + 128 * of_columns))
                << problem.to_string() << ", " << threads << " threads, "
                << (description == &dense ? "dense" : "transposed");
            ASSERT_GE(plan.threads(), 1);
            ASSERT_LE(plan.threads(), threads);
            // Without those whose share would be no smaller: 63 of 64 for 1056 leaves.
            if (rows >= 1 << 20 && columns >= 768 && threads <= 64) {
              ASSERT_GE(plan.threads(), threads - 1);
            }
          }
        }
      }
    }
  }
}

TEST(Limits, SmallProblemsStayOnTheCallingThread) {
  const GradProblem problem = GradProblem::create(GradDescription::dense(DType::float32, 4, 64)).value();
  PlanOptions options;
  options.threads = 64;
  EXPECT_EQ(GradPlan::create(problem, options).value().threads(), 1);
}

// An empty batch still adds +0 to what is there: -0 becomes +0, a NaN the canonical one. Both devices share the
// code, so the numbers are written here.
TEST(Limits, NoRowsAddPositiveZeros) {
  for (const char* device : {"cpu", "reference"}) {
    for (const bool accumulate : {false, true}) {
      GradDescription description = GradDescription::dense(DType::float32, 0, 4);
      description.accumulate = accumulate;
      std::vector<std::uint32_t> sums = {0x80000000, 0xFFC01234, 0x7F800000, 0xBF800000};
      std::vector<std::uint32_t> dbeta = sums;
      const std::vector<float> gamma(4, 1);
      GradArguments arguments;
      arguments.gamma = gamma.data();
      arguments.dgamma = reinterpret_cast<float*>(sums.data());
      arguments.dbeta = reinterpret_cast<float*>(dbeta.data());
      PlanOptions options;
      options.device = device;
      const Status status = add_layer_norm_grad(description, arguments, options);
      ASSERT_TRUE(status.ok()) << status.message();
      const std::vector<std::uint32_t> expected =
          accumulate ? std::vector<std::uint32_t>{0, 0x7FC00000, 0x7F800000, 0xBF800000}
                     : std::vector<std::uint32_t>(4);
      EXPECT_EQ(sums, expected) << device;
      EXPECT_EQ(dbeta, expected) << device;
    }
  }
}

}  // namespace
}  // namespace alng::test
