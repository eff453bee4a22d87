// Every instruction set of this machine x every case x every way to run it, against the reference, bit for bit.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Case;

std::vector<std::string> available_instruction_sets() {
  std::vector<std::string> names;
  for (const Availability& isa : instruction_sets()) {
    if (isa.available) names.push_back(isa.name);
  }
  return names;
}

struct Way {
  const char* name;
  int threads;
  Placement placement;
  std::size_t shift;
  const Executor* executor;
};

const std::vector<Way>& ways() {
  static const std::vector<Way> list = {
      {"1 thread, inputs before an unreadable page", 1, Placement::end, 0, nullptr},
      {"2 threads, everything off by one element", 2, Placement::offset_by_one, 1, nullptr},
      {"3 threads, inputs behind an unreadable page", 3, Placement::start, 3, nullptr},
      {"8 threads, inputs before an unreadable page", 8, Placement::end, 5, nullptr},
      {"8 tasks one after another, last first", 8, Placement::end, 0, &backward_executor()},
      {"3 tasks on threads of their own", 3, Placement::offset_by_one, 1, &thread_per_task_executor()},
  };
  return list;
}

template <class Instance>
void expect_the_bits_of_the_reference(const Instance& instance) {
  const Outcome expected = run_reference(instance);
  for (const std::string& isa : available_instruction_sets()) {
    for (const Way& way : ways()) {
      SCOPED_TRACE(isa + ", " + way.name);
      HowToRun how;
      how.plan.device = "cpu";
      how.plan.isa = isa;
      how.plan.threads = way.threads;
      how.placement = way.placement;
      how.shift = way.shift;
      how.executor = way.executor;
      const Outcome got = run_case(instance, how);
      ASSERT_TRUE(got.status.ok()) << got.status.message();
      EXPECT_EQ(got.isa, isa);
      EXPECT_LE(got.threads, way.threads);
      EXPECT_EQ(difference(instance, expected, got), "");
      EXPECT_EQ(got.damage, "");
    }
  }
}

class Cpu : public testing::TestWithParam<Case> {};
class ForwardCpu : public testing::TestWithParam<Case> {};

TEST_P(Cpu, HasTheBitsOfTheReferenceOnEveryInstructionSet) {
  expect_the_bits_of_the_reference(cases::Instance(GetParam()));
}

TEST_P(ForwardCpu, HasTheBitsOfTheReferenceOnEveryInstructionSet) {
  expect_the_bits_of_the_reference(cases::ForwardInstance(GetParam(), false));
}

TEST_P(ForwardCpu, HasThemWithARoundedSum) {
  if (GetParam().dtype == DType::float32) GTEST_SKIP() << "the sum is float32 anyway";
  expect_the_bits_of_the_reference(cases::ForwardInstance(GetParam(), true));
}

INSTANTIATE_TEST_SUITE_P(Fast, Cpu, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Fast, ForwardCpu, testing::ValuesIn(fast(cases::forward_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, ForwardCpu, testing::ValuesIn(slow(cases::forward_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, Cpu, testing::ValuesIn(slow(cases::all_cases())), case_name);

}  // namespace
}  // namespace alng::test
