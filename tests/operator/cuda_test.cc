// The GPU on every case, against the reference, bit for bit. Without one all of it is skipped, with the reason.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "cases/instance.h"
#include "operator/case_list.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Case;

/// Why there is no GPU; empty: there is one.
const std::string& why_no_gpu() {
  static const std::string reason = [] {
    std::string found;
    for (const Availability& device : devices()) {
      if (!device.name.starts_with("cuda")) continue;
      if (device.available && device.name != "cuda:model") return std::string();
      if (found.empty()) found = device.reason;
    }
    return found;
  }();
  return reason;
}

struct Way {
  const char* name;
  int threads;
  Placement placement;
  std::size_t shift;
};

constexpr Way ways[] = {
    {"as they are allocated", 0, Placement::end, 0},
    {"everything off by one element", 0, Placement::offset_by_one, 1},
    {"at most 7 blocks", 7, Placement::end, 0},
};

template <class Instance>
void expect_the_bits_of_the_reference(const Instance& instance) {
  const Outcome expected = run_reference(instance);
  for (const Way& way : ways) {
    SCOPED_TRACE(way.name);
    HowToRun how;
    how.plan.device = "cuda";
    how.plan.threads = way.threads;
    how.placement = way.placement;
    how.shift = way.shift;
    const Outcome got = run_case(instance, how);
    ASSERT_TRUE(got.status.ok()) << got.status.message();
    EXPECT_EQ(difference(instance, expected, got), "");
    EXPECT_EQ(got.damage, "");
  }
}

class OnAGpu : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (why_no_gpu().empty()) return;
    ASSERT_EQ(std::getenv("ALNG_TEST_NEEDS_GPU"), nullptr) << why_no_gpu();
    GTEST_SKIP() << "no GPU: " << why_no_gpu();
  }
};
class Cuda : public OnAGpu {};
class ForwardCuda : public OnAGpu {};

TEST_P(Cuda, HasTheBitsOfTheReference) { expect_the_bits_of_the_reference(cases::Instance(GetParam())); }

TEST_P(ForwardCuda, HasTheBitsOfTheReference) {
  expect_the_bits_of_the_reference(cases::ForwardInstance(GetParam(), false));
}

TEST_P(ForwardCuda, HasThemWithARoundedSum) {
  if (GetParam().dtype == DType::float32) GTEST_SKIP() << "the sum is float32 anyway";
  expect_the_bits_of_the_reference(cases::ForwardInstance(GetParam(), true));
}

INSTANTIATE_TEST_SUITE_P(Fast, Cuda, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Fast, ForwardCuda, testing::ValuesIn(fast(cases::forward_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, ForwardCuda, testing::ValuesIn(slow(cases::forward_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, Cuda, testing::ValuesIn(slow(cases::all_cases())), case_name);

}  // namespace
}  // namespace alng::test
