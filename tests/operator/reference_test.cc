// The reference against double precision, and against a second implementation of the canonical order.
#include <gtest/gtest.h>

#include "cases/instance.h"
#include "operator/accuracy.h"
#include "operator/case_list.h"
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

INSTANTIATE_TEST_SUITE_P(Fast, Reference, testing::ValuesIn(fast_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, Reference, testing::ValuesIn(slow_cases()), case_name);

}  // namespace
}  // namespace alng::test
