// Forcing an instruction set: the plan says so, what the machine lacks is refused, and the instructions that run are
// those of the set that was forced, seen by stepping through them one by one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

#if defined(__x86_64__)
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace alng::test {
namespace {

using cases::Instance;

GradProblem small_problem() { return GradProblem::create(GradDescription::dense(DType::float32, 2, 600)).value(); }

/// A variable of the environment for the lifetime of an object; then what it was before.
class Environment {
 public:
  explicit Environment(const char* value, const char* name = "ALNG_ISA") : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    setenv(name, value, 1);
  }
  ~Environment() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(ForcedInstructionSet, ThePlanSaysWhichOneRuns) {
  for (const Availability& isa : instruction_sets()) {
    if (!isa.available) continue;
    PlanOptions options;
    options.isa = isa.name;
    const Result<GradPlan> forced = GradPlan::create(small_problem(), options);
    ASSERT_TRUE(forced.ok()) << forced.status().message();
    EXPECT_EQ(forced->isa(), isa.name);
    EXPECT_NE(forced->explain().find(isa.name), std::string::npos) << forced->explain();
    const Environment environment(isa.name.c_str());
    const Result<GradPlan> by_environment = GradPlan::create(small_problem());
    ASSERT_TRUE(by_environment.ok()) << by_environment.status().message();
    EXPECT_EQ(by_environment->isa(), isa.name);
  }
}

TEST(ForcedInstructionSet, TheOptionGoesBeforeTheEnvironment) {
  const Environment environment("mmx");
  PlanOptions options;
  options.isa = "scalar";
  const Result<GradPlan> plan = GradPlan::create(small_problem(), options);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->isa(), "scalar");
}

TEST(ForcedInstructionSet, WithoutForceTheBestAvailableRuns) {
  const std::vector<Availability> sets = instruction_sets();
  std::string best;
  for (const Availability& isa : sets) {
    if (isa.available && best.empty()) best = isa.name;
  }
  ASSERT_FALSE(best.empty());
  EXPECT_EQ(GradPlan::create(small_problem()).value().isa(), best);
}

// vllm PR 34807, zvec #92: builds that die of SIGILL. Here the set is refused in words, on any machine: x86-64 has no
// NEON, aarch64 no AVX2, and under qemu -cpu Nehalem (operator.nehalem) even AVX2 is missing.
TEST(ForcedInstructionSet, WhatTheMachineLacksIsRefusedWithItsReason) {
  int refused = 0;
  for (const Availability& isa : instruction_sets()) {
    EXPECT_FALSE(isa.reason.empty()) << isa.name;
    if (isa.available) continue;
    ++refused;
    PlanOptions options;
    options.isa = isa.name;
    Status status = GradPlan::create(small_problem(), options).status();
    EXPECT_EQ(status.code(), Code::unsupported) << isa.name;
    EXPECT_NE(status.message().find(isa.name), std::string::npos) << status.message();
    EXPECT_NE(status.message().find(isa.reason), std::string::npos) << status.message();
    const Environment environment(isa.name.c_str());
    status = GradPlan::create(small_problem()).status();
    EXPECT_EQ(status.code(), Code::unsupported) << isa.name;
    EXPECT_NE(status.message().find("ALNG_ISA"), std::string::npos) << status.message();
  }
  EXPECT_GT(refused, 0);
}

TEST(ForcedInstructionSet, AnUnknownNameInTheEnvironmentIsRefused) {
  const Environment environment("mmx");
  const Status status = GradPlan::create(small_problem()).status();
  EXPECT_EQ(status.code(), Code::bad_option);
  EXPECT_NE(status.message().find("ALNG_ISA"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("mmx"), std::string::npos) << status.message();
}

// No bit may depend on any of it: the case list runs with each choice (operator.cpu_tuned_*), and the plan says which
// it is.
TEST(ForcedTuning, ThePlanSaysWhatIsChosen) {
  const auto explained = [](const char* tuning) {
    const Environment environment(tuning, "ALNG_TUNING");
    return GradPlan::create(small_problem()).value().explain();
  };
  const auto says = [](const std::string& text, const char* what) { return text.find(what) != std::string::npos; };
  const std::string one = explained("fetch=second,stream=off,row_by_row=on");
  EXPECT_TRUE(says(one, "inputs: fetched ahead into the second-level cache\n")) << one;
  EXPECT_TRUE(says(one, "dx: written through the caches, before the next row begins\n")) << one;
  EXPECT_FALSE(says(one, "two rows at a time")) << one;
  const std::string other = explained("fetch=nowhere,stream=on,in_twos=on");
  EXPECT_FALSE(says(other, "fetched ahead")) << other;
  EXPECT_TRUE(says(other, "dx: written past the caches, while the next row is read\n")) << other;
  EXPECT_TRUE(says(other, "column sums: two rows at a time\n")) << other;
}

TEST(ForcedTuning, TheForwardsPlanSaysWhatIsChosen) {
  const auto explained = [](const char* tuning) {
    const Environment environment(tuning, "ALNG_TUNING");
    const ForwardProblem problem = ForwardProblem::create(ForwardDescription::dense(DType::bfloat16, 4, 300)).value();
    return ForwardPlan::create(problem).value().explain();
  };
  const std::string one = explained("row_by_row=on");
  EXPECT_NE(one.find("y and x: written through the caches, before the next row begins\n"), std::string::npos) << one;
  const std::string two = explained("row_by_row=on,stream=on");
  EXPECT_NE(two.find("y and x: written past the caches, before the next row begins\n"), std::string::npos) << two;
  const std::string other = explained("row_by_row=off,stream=on");
  EXPECT_NE(other.find("y and x: written past the caches, y while the rows behind are read\n"), std::string::npos)
      << other;
}

// Two threads took 46 us for this problem and one 30 (Emerald Rapids): the sums of 8192 columns travel between cores.
TEST(ForcedTuning, FewLongRowsOfAGradientAreOneTask) {
  if (std::getenv("ALNG_TUNING") != nullptr) GTEST_SKIP() << "skipped: ALNG_TUNING is set";
  PlanOptions options;
  options.threads = 2;
  const auto threads = [&](std::int64_t rows) {
    const GradProblem problem = GradProblem::create(GradDescription::dense(DType::bfloat16, rows, 8192)).value();
    return GradPlan::create(problem, options).value().threads();
  };
  EXPECT_EQ(threads(8), 1);
  EXPECT_EQ(threads(64), 2);
}

// Of 132 units of eight leaves some of 32 tasks would do five while the others do four; 103 tasks would do two of 128
// leaves at most, as 64 tasks do.
TEST(ForcedTuning, TheSharesOfAGradientsTasksAreEven) {
  const auto plan = [](std::int64_t rows, std::int64_t columns, std::int32_t threads) {
    PlanOptions options;
    options.threads = threads;
    return GradPlan::create(GradProblem::create(GradDescription::dense(DType::bfloat16, rows, columns)).value(),
                            options)
        .value();
  };
  const GradPlan many = plan(65536, 1024, 32);
  EXPECT_EQ(many.threads(), 32);
  EXPECT_NE(many.explain().find("leaves: 1056 of about 62 rows, in 528 units\n"), std::string::npos) << many.explain();
  EXPECT_EQ(plan(1024, 65536, 103).threads(), 64);
}

// Where rows of two outputs are written past the caches in one loop at the same place of a page, a Zen 3 takes 1.5 to 3
// times as long.
TEST(ForcedTuning, Avx2DoesForwardsRowByRow) {
  if (std::getenv("ALNG_TUNING") != nullptr) GTEST_SKIP() << "skipped: ALNG_TUNING is set";
  const auto explained = [](DType dtype, std::int64_t rows, std::int64_t columns) {
    PlanOptions options;
    options.isa = "avx2";
    const ForwardProblem problem = ForwardProblem::create(ForwardDescription::dense(dtype, rows, columns)).value();
    const Result<ForwardPlan> plan = ForwardPlan::create(problem, options);
    return plan.ok() ? plan->explain() : std::string();
  };
  if (explained(DType::float32, 16, 1024).empty()) GTEST_SKIP() << "skipped: this machine has no AVX2";
  for (const auto& [dtype, rows, columns, how] :
       {std::tuple{DType::float32, 16, 768, "through the caches, before the next row begins"},
        std::tuple{DType::bfloat16, 8192, 768, "past the caches, before the next row begins"},
        std::tuple{DType::float32, 8192, 1024, "past the caches, before the next row begins"},
        std::tuple{DType::float32, 8192, 768, "past the caches, y while the rows behind are read"}}) {
    EXPECT_NE(explained(dtype, rows, columns).find(how), std::string::npos) << explained(dtype, rows, columns);
  }
}

// Which level is faster is no matter of its size alone: where an Intel Xeon with a first level as large as a Zen 5's
// fetched into it, it took up to 2.1 times as long.
TEST(ForcedTuning, IntelsFetchIntoTheSecondLevel) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_is("intel")) GTEST_SKIP() << "skipped: this processor is not one of Intel's";
  if (std::getenv("ALNG_TUNING") != nullptr) GTEST_SKIP() << "skipped: ALNG_TUNING is set";
  const GradProblem large = GradProblem::create(GradDescription::dense(DType::float32, 4096, 1024)).value();
  const std::string explained = GradPlan::create(large).value().explain();
  EXPECT_NE(explained.find("second-level cache"), std::string::npos) << explained;
#else
  GTEST_SKIP() << "skipped: this is not an x86-64 build";
#endif
}

TEST(ForcedTuning, WhatItDoesNotKnowIsRefused) {
  for (const char* wrong :
       {"fetch=third", "stream", "speed=on", "in_twos=1", "fetch=first,,stream=on", "fetch=first;"}) {
    const Environment environment(wrong, "ALNG_TUNING");
    const Status status = GradPlan::create(small_problem()).status();
    EXPECT_EQ(status.code(), Code::bad_option) << wrong;
    EXPECT_NE(status.message().find("ALNG_TUNING has \""), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("but must be a list of fetch=nowhere, first or second and stream=, in_batches=, "
                                    "row_by_row=, in_twos= and own_copies=on or off"),
              std::string::npos)
        << status.message();
  }
}

#if defined(__x86_64__)

/// Instructions by the width of the registers they name, as their encoding tells: EVEX begins with 0x62, VEX with 0xC4
/// or 0xC5, which in 64-bit code are nothing else.
struct Seen {
  long all = 0, vex = 0, vex_256 = 0, evex = 0, evex_512 = 0;
};

void count(const unsigned char* code, Seen& seen) {
  ++seen.all;
  if (code[0] == 0xC5) {
    ++seen.vex;
    seen.vex_256 += (code[1] & 4) != 0 ? 1 : 0;
  } else if (code[0] == 0xC4) {
    ++seen.vex;
    seen.vex_256 += (code[2] & 4) != 0 ? 1 : 0;
  } else if (code[0] == 0x62) {
    ++seen.evex;
    seen.evex_512 += (code[3] & 0x60) == 0x40 ? 1 : 0;
  }
}

struct CodeRange {
  unsigned long begin, end;
};

// Where the object that holds `function` has its code. libm and libc choose instructions of their own (std::fma,
// memcpy).
std::vector<CodeRange> code_of_object_with(unsigned long function) {
  std::ifstream maps("/proc/self/maps");
  std::string object;
  std::vector<std::pair<std::string, CodeRange>> ranges;
  for (std::string line; std::getline(maps, line);) {
    CodeRange range{};
    char permissions[8] = {}, path[512] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %7s %*s %*s %*s %511s", &range.begin, &range.end, permissions, path) < 4)
      continue;
    if (permissions[2] != 'x') continue;
    ranges.emplace_back(path, range);
    if (function >= range.begin && function < range.end) object = path;
  }
  std::vector<CodeRange> out;
  for (const auto& [path, range] : ranges) {
    if (path == object) out.push_back(range);
  }
  return out;
}

/// Runs a plan in a child process instruction by instruction. False where the machine does not let us.
bool step_through(const std::string& isa, Seen& seen) {
  PlanOptions options;
  options.isa = isa;
  options.threads = 1;
  const GradPlan plan = GradPlan::create(small_problem(), options).value();
  std::vector<float> memory(2 * 600, 0.5f), dx(memory), gamma(600, 1.0f), dgamma(600), dbeta(600), statistics(2, 1.0f);
  std::vector<std::byte> workspace(plan.workspace_size());
  GradArguments arguments;
  arguments.dy = arguments.x1 = arguments.x2 = arguments.dsum = memory.data();
  arguments.rstd = arguments.mean = statistics.data();
  arguments.gamma = gamma.data();
  arguments.dx = dx.data();
  arguments.dgamma = dgamma.data();
  arguments.dbeta = dbeta.data();
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  // Taken through a volatile pointer, so that it is the function and not this program's jump table entry for it.
  const char* (*volatile inside)() = &alng_version;
  const auto resolved = reinterpret_cast<unsigned long>(inside);
  const std::vector<CodeRange> library = code_of_object_with(resolved);

  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
    raise(SIGSTOP);
    _exit(plan.run(arguments).ok() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSTOPPED(status)) return false;
  while (true) {
    user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) == 0) {
      const unsigned long at = registers.rip;
      for (const CodeRange& range : library) {
        if (at < range.begin || at >= range.end) continue;
        // The child was forked, so its code is where ours is.
        count(reinterpret_cast<const unsigned char*>(at), seen);
      }
    }
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) return false;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      return true;
    }
    if (WIFSIGNALED(status)) {
      ADD_FAILURE() << "killed by signal " << WTERMSIG(status);
      return true;
    }
  }
}

TEST(ForcedInstructionSet, ItsInstructionsAreTheOnesThatRun) {
#if defined(ALNG_SANITIZED)
  GTEST_SKIP() << "skipped: sanitizers add instructions of their own";
#endif
  for (const Availability& isa : instruction_sets()) {
    if (!isa.available) continue;
    SCOPED_TRACE(isa.name);
    Seen seen;
    if (!step_through(isa.name, seen)) GTEST_SKIP() << "skipped: this machine does not allow ptrace";
    ASSERT_GT(seen.all, 500) << "the kernel was not stepped through";
    // 1200 elements: 150 vectors of 8 or 75 of 16, each loaded, multiplied and stored several times.
    if (isa.name == "scalar") {
      EXPECT_EQ(seen.vex + seen.evex, 0);
    } else if (isa.name == "avx2") {
      EXPECT_GT(seen.vex_256, 750);
      EXPECT_EQ(seen.evex, 0);
    } else if (isa.name == "avx512") {
      EXPECT_GT(seen.evex_512, 375);
    }
  }
}

#endif

}  // namespace
}  // namespace alng::test
