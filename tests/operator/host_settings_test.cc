// Flush to zero, another rounding, trapping exceptions: what a host may have set changes no bit and is still set
// afterwards.
#include "operator/host_settings.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "alng/alng.hpp"
#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/prepared_run.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

// An executor whose threads have the host's setting and report whether a task changed it.
struct SettingExecutor {
  explicit SettingExecutor(const HostSetting& the_setting) : setting(the_setting) { executor = {&parallel, this}; }

  static void parallel(void* context, std::int32_t count, void (*task)(void*, std::int32_t), void* task_data) {
    auto& self = *static_cast<SettingExecutor*>(context);
    for (std::int32_t i = 0; i < count; ++i) {
      std::thread([&self, task, task_data, i] {
        set_control_register(self.setting.bits);
        task(task_data, i);
        self.restored = self.restored && control_register() == self.setting.bits;
      }).join();
    }
  }

  HostSetting setting;
  bool restored = true;
  Executor executor;
};

constexpr const char* sensitive_cases[] = {
    "denormal_fp32_gammaT_dsum_x2",    "denormal_fp16_gammaT_dsum_x2",     "denormal_bf16_gammafp32_x2",
    "columns_129_fp32_gammaT_dsum_x2", "columns_129_bf16_gammaT_x2",       "nan_inf_fp32_gammaT_dsum_x2",
    "huge_fp16_gammaT_dsum_x2",        "mixed_fp32_gammaT_dsum_x2",        "denormal_wide_fp32_gammaT_dsum_x2",
    "accumulate_tall_fp32_gammaT_x2",  "rows_0_accumulate_fp32_gammaT_x2", "odd_statistics_fp32_gammanone_x2"};

template <class Prepared, class Instance>
void expect_unmoved(const Instance& instance, const PlanOptions& options) {
  const Outcome expected = run_reference(instance);
  for (const HostSetting& setting : host_settings()) {
    SCOPED_TRACE(instance.what().name + ", " + options.device + " " + options.isa + ", " + setting.name);
    for (const bool own_threads : {false, true}) {
      Prepared run(instance, options);  // its memory is set up under the usual settings
      SettingExecutor executor(setting);
      if (own_threads) run.arguments.executor = &executor.executor;
      Status status;
      std::uint64_t after;
      {
        const UnderSetting host(setting);
        status = run.plan.run(run.arguments);
        after = control_register();
      }
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_EQ(after, setting.bits);
      EXPECT_TRUE(executor.restored);
      EXPECT_EQ(difference(instance, expected, run.outcome()), "");
    }
  }
}

void expect_unmoved(const std::string& device, const std::string& isa, int threads) {
  PlanOptions options;
  options.device = device;
  options.isa = isa;
  options.threads = threads;
  for (const char* name : sensitive_cases) {
    const cases::Case& what = case_named(name);
    expect_unmoved<PreparedRun>(cases::Instance(what), options);
    expect_unmoved<PreparedForward>(cases::ForwardInstance(what, true), options);
  }
}

TEST(HostSettings, DoNotMoveTheReference) { expect_unmoved("reference", "", 1); }

TEST(HostSettings, DoNotMoveAnyInstructionSet) {
  for (const Availability& isa : instruction_sets()) {
    if (isa.available) expect_unmoved("cpu", isa.name, 3);
  }
}

// An empty batch has no row pass that would set the register.
TEST(HostSettings, KeepDenormalsOfAnEmptyBatch) {
  std::vector<float> sums = {1e-40f, -1e-41f, 3.0f, 1e-45f};
  const std::vector<float> before = sums;
  GradDescription description = GradDescription::dense(DType::float32, 0, 4);
  description.dbeta.reset();
  description.accumulate = true;
  const GradPlan plan = GradPlan::create(GradProblem::create(description).value()).value();
  GradArguments arguments;
  std::vector<float> gamma(4, 1.0f);
  std::vector<std::byte> workspace(plan.workspace_size() + 1);
  arguments.gamma = gamma.data();
  arguments.dgamma = sums.data();
  arguments.workspace = workspace.data();
  arguments.workspace_size = workspace.size();
  Status status;
  {
    const UnderSetting host(host_settings().front());
    status = plan.run(arguments);
  }
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(std::memcmp(sums.data(), before.data(), sizeof(float) * 4), 0);
}

}  // namespace
}  // namespace alng::test
