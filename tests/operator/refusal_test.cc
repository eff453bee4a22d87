// What run refuses: by which code, in which words, and with every output left as it was. src/problem's own tests try
// the rules one by one; here they are tried through the door, on every device.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "alng/alng.hpp"

namespace alng::test {
namespace {

constexpr std::int64_t rows = 5, columns = 12;

/// A small problem in one block of memory and its plan, to be spoilt.
struct Scene {
  explicit Scene(const char* device) {
    options.device = device;
    replan();
    float* next = memory.data() + 100;
    const auto take = [&next](std::int64_t count) {
      float* here = next;
      next += count + 8;
      return here;
    };
    arguments.dy = take(rows * columns);
    arguments.x1 = take(rows * columns);
    arguments.x2 = take(rows * columns);
    arguments.dsum = take(rows * columns);
    arguments.rstd = take(rows);
    arguments.mean = take(rows);
    arguments.gamma = take(columns);
    arguments.dx = take(rows * columns);
    arguments.dgamma = take(columns);
    arguments.dbeta = take(columns);
    workspace.resize(plan.value().workspace_size() + 64);
    arguments.workspace = workspace.data();
    arguments.workspace_size = plan.value().workspace_size();
  }

  void replan() { plan = GradPlan::create(GradProblem::create(description).value(), options); }
  static float* floats(const void* pointer) { return static_cast<float*>(const_cast<void*>(pointer)); }

  GradDescription description = GradDescription::dense(DType::float32, rows, columns);
  PlanOptions options;
  Result<GradPlan> plan = Status(Code::unsupported, "not planned yet");
  std::vector<float> memory = std::vector<float>(2000, 0.5f);
  std::vector<std::byte> workspace;
  GradArguments arguments;
};

/// `sentence` is a part of what is said where it goes on with addresses; "SIZE" in it is the size of the workspace.
struct Refusal {
  const char* name;
  Code code;
  const char* sentence;
  void (*spoil)(Scene& s);
};

#define SPOILT(change) [](Scene& s) { change; }

const Refusal refusals[] = {
    {"NoDy", Code::null_pointer, "dy is null but must point to float32[5, 12]", SPOILT(s.arguments.dy = nullptr)},
    {"NoX1", Code::null_pointer, "x1 is null but must point to float32[5, 12]", SPOILT(s.arguments.x1 = nullptr)},
    {"NoX2", Code::null_pointer, "x2 is null but must point to float32[5, 12]", SPOILT(s.arguments.x2 = nullptr)},
    {"NoRstd", Code::null_pointer, "rstd is null but must point to float32[5, 1]", SPOILT(s.arguments.rstd = nullptr)},
    {"NoMean", Code::null_pointer, "mean is null but must point to float32[5, 1]", SPOILT(s.arguments.mean = nullptr)},
    {"NoGamma", Code::null_pointer, "gamma is null but must point to float32[12]", SPOILT(s.arguments.gamma = nullptr)},
    {"NoDsum", Code::null_pointer, "dsum is null but must point to float32[5, 12]", SPOILT(s.arguments.dsum = nullptr)},
    {"NoDx", Code::null_pointer, "dx is null but must point to float32[5, 12]", SPOILT(s.arguments.dx = nullptr)},
    {"NoDgamma", Code::null_pointer, "dgamma is null but must point to float32[12]",
     SPOILT(s.arguments.dgamma = nullptr)},
    {"NoDbeta", Code::null_pointer, "dbeta is null but must point to float32[12]", SPOILT(s.arguments.dbeta = nullptr)},
    {"DsumThatTheProblemLacks", Code::null_pointer, "dsum is given but must be null: the problem has no dsum",
     SPOILT(s.description.dsum.reset(); s.replan())},
    {"ExecutorWithoutAFunction", Code::null_pointer, "the executor's parallel is null but must be a function",
     SPOILT(static const Executor none; s.arguments.executor = &none)},
    {"WorkspaceOneByteShort", Code::bad_workspace, " bytes but must have SIZE", SPOILT(--s.arguments.workspace_size)},
    {"NoWorkspace", Code::bad_workspace, "the workspace is null but must have SIZE bytes",
     SPOILT(s.arguments.workspace = nullptr)},
    {"DxOneElementBehindDy", Code::overlap, " overlaps dy at bytes ",
     SPOILT(s.arguments.dx = s.floats(s.arguments.dy) + 1)},
    // There it would also lie over x2's own place.
    {"DxReachingIntoDsum", Code::overlap, " overlaps dsum at bytes ",
     SPOILT(s.arguments.dx = s.floats(s.arguments.dsum) - rows * columns + 1; s.arguments.x2 = s.arguments.x1)},
    {"DxOverAnInputThatIsNotLikeIt", Code::overlap, " overlaps gamma at bytes ",
     SPOILT(s.arguments.dx = s.floats(s.arguments.gamma))},
    {"DgammaOverGamma", Code::overlap, " overlaps gamma at bytes ",
     SPOILT(s.arguments.dgamma = s.floats(s.arguments.gamma))},
    {"DbetaOverDgamma", Code::overlap, " overlaps dgamma at bytes ", SPOILT(s.arguments.dbeta = s.arguments.dgamma)},
    {"AnInputInsideTheWorkspace", Code::overlap, " overlaps mean at bytes ",
     SPOILT(const auto inside =
                (reinterpret_cast<std::uintptr_t>(s.workspace.data()) + 3) / sizeof(float) * sizeof(float);
            s.arguments.mean = reinterpret_cast<const float*>(inside))},
    {"AnOutputInsideTheWorkspace", Code::overlap, " overlaps dx at bytes ",
     SPOILT(s.arguments.workspace = s.arguments.dx)},
    {"UnknownDevice", Code::bad_option, "device is \"gpu7\" but must be one of cpu, reference",
     SPOILT(s.options.device = "gpu7"; s.replan())},
    {"NegativeThreads", Code::bad_option, "threads is -1 but must not be negative",
     SPOILT(s.options.threads = -1; s.replan())},
};

using OnDevice = std::tuple<const char*, Refusal>;

class Refused : public testing::TestWithParam<OnDevice> {};

TEST_P(Refused, WithThisSentenceAndNothingWritten) {
  const auto& [device, row] = GetParam();
  Scene scene(device);
  const std::string size = std::to_string(scene.plan.value().workspace_size());
  ASSERT_NE(size, "0");
  ASSERT_TRUE(scene.plan.value().run(scene.arguments).ok()) << "it is right before it is spoilt";
  row.spoil(scene);
  const std::vector<float> before = scene.memory;
  const Status status = scene.plan.ok() ? scene.plan.value().run(scene.arguments) : scene.plan.status();
  EXPECT_STREQ(code_name(status.code()), code_name(row.code)) << status.message();
  std::string sentence = row.sentence;
  if (const std::size_t at = sentence.find("SIZE"); at != std::string::npos) sentence.replace(at, 4, size);
  EXPECT_NE(status.message().find(sentence), std::string::npos) << sentence << " in: " << status.message();
  EXPECT_EQ(status.message().find('\n'), std::string::npos) << status.message();
  EXPECT_EQ(std::memcmp(before.data(), scene.memory.data(), before.size() * sizeof(float)), 0)
      << "something was written";
}

INSTANTIATE_TEST_SUITE_P(Refusal, Refused,
                         testing::Combine(testing::Values("reference", "cpu"), testing::ValuesIn(refusals)),
                         [](const testing::TestParamInfo<OnDevice>& which) {
                           return std::string(std::get<0>(which.param)) + "_" + std::get<1>(which.param).name;
                         });

TEST(Refusal, AnUnknownInstructionSetIsListedWithTheKnownOnes) {
  Scene scene("");
  scene.options.isa = "mmx";
  scene.replan();
  EXPECT_STREQ(code_name(scene.plan.status().code()), "bad_option");
  for (const char* word : {"isa is \"mmx\" but must be one of ", "scalar", "avx2"}) {
    EXPECT_NE(scene.plan.status().message().find(word), std::string::npos) << scene.plan.status().message();
  }
}

TEST(OneCall, DoesWhatProblemPlanAndRunDo) {
  std::vector<float> dy = {1, 2, 3, 4}, x1 = {-1, 0, 1, 4}, gamma = {2, 1, 1, 0.5f}, dsum = {10, 20, 30, 40};
  std::vector<float> dx(4), dgamma(4), dbeta(4);
  const float rstd = 0.5f, mean = 1;
  GradDescription description = GradDescription::dense(DType::float32, 1, 4);
  description.x2.reset();
  GradArguments arguments;
  arguments.dy = dy.data();
  arguments.x1 = x1.data();
  arguments.rstd = &rstd;
  arguments.mean = &mean;
  arguments.gamma = gamma.data();
  arguments.dsum = dsum.data();
  arguments.dx = dx.data();
  arguments.dgamma = dgamma.data();
  arguments.dbeta = dbeta.data();
  const Status status = add_layer_norm_grad(description, arguments);
  ASSERT_TRUE(status.ok()) << status.message();
  // By hand: w = {2, 2, 3, 2}, m1 = 2.25, m2 = 0, dx = 0.5 * (w - 2.25) + dsum.
  EXPECT_EQ(dx, (std::vector<float>{9.875f, 19.875f, 30.375f, 39.875f}));
  EXPECT_EQ(dgamma, (std::vector<float>{-1, -1, 0, 6}));
  EXPECT_EQ(dbeta, (std::vector<float>{1, 2, 3, 4}));
}

TEST(OneCall, RefusesWithTheReasonOfWhoeverRefuses) {
  GradDescription description = GradDescription::dense(DType::float32, 1, 4);
  Status status = add_layer_norm_grad(description, {});
  EXPECT_EQ(status.code(), Code::null_pointer) << status.message();
  description.dy.rank = 0;
  status = add_layer_norm_grad(description, {});
  EXPECT_EQ(status.code(), Code::bad_shape) << status.message();
  EXPECT_NE(status.message().find("dy"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace alng::test
