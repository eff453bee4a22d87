// The reference against double precision, and against a second implementation of the canonical order.
#include <gtest/gtest.h>

#include <vector>

#include "cases/instance.h"
#include "operator/accuracy.h"
#include "operator/case_list.h"
#include "operator/forward_accuracy.h"
#include "operator/run_case.h"
#include "operator/second_implementation.h"

namespace alng::test {
namespace {

using cases::Case;

class Reference : public testing::TestWithParam<Case> {};

TEST_P(Reference, IsWithinTheBounds) {
  if (!has_bounds(GetParam())) GTEST_SKIP() << "no bound is promised for these values";
  const cases::Instance instance(GetParam());
  EXPECT_EQ(beyond_bounds(instance, truth_of(instance), run_reference(instance)), "");
}

TEST_P(Reference, HasTheBitsOfASecondImplementation) {
  const cases::Instance instance(GetParam());
  EXPECT_EQ(difference(instance, second_implementation(instance), run_reference(instance)), "");
}

class ForwardReference : public testing::TestWithParam<Case> {};

// In float32 the sum is rounded to what it is.
std::vector<bool> sums_of(const Case& what) {
  return what.dtype == DType::float32 ? std::vector<bool>{false} : std::vector<bool>{false, true};
}

TEST_P(ForwardReference, IsWithinTheBounds) {
  if (!has_bounds(GetParam())) GTEST_SKIP() << "no bound is promised for these values";
  for (const bool round_sum : sums_of(GetParam())) {
    const cases::ForwardInstance instance(GetParam(), round_sum);
    EXPECT_EQ(beyond_bounds(instance, run_reference(instance)), "") << "round_sum " << round_sum;
  }
}

TEST_P(ForwardReference, HasTheBitsOfASecondImplementation) {
  for (const bool round_sum : sums_of(GetParam())) {
    const cases::ForwardInstance instance(GetParam(), round_sum);
    EXPECT_EQ(difference(instance, second_implementation(instance), run_reference(instance)), "")
        << "round_sum " << round_sum;
  }
}

INSTANTIATE_TEST_SUITE_P(Fast, ForwardReference, testing::ValuesIn(fast(cases::forward_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, ForwardReference, testing::ValuesIn(slow(cases::forward_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Fast, Reference, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, Reference, testing::ValuesIn(slow(cases::all_cases())), case_name);

}  // namespace
}  // namespace alng::test
