// The device cuda:model: the whole case list through alng's own door, on the kernels for GPUs, against the reference,
// bit for bit.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

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

template <class Instance>
void expect_the_bits_of_the_reference(const Instance& instance) {
  const Outcome expected = run_reference(instance);
  // Copies arrive early, late and in between; tensors on 16 bytes and beside; few multiprocessors and all.
  const Way ways[] = {{"sm_90", 2, Placement::start, 0}, {"sm_80", 0, Placement::start, 0},
                      {"sm_90", 3, Placement::end, 1}};
  int schedule = 0;
  for (const Way& way : ways) {
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

INSTANTIATE_TEST_SUITE_P(Fast, CudaModel, testing::ValuesIn(fast(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Fast, ForwardCudaModel, testing::ValuesIn(fast(cases::forward_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, CudaModel, testing::ValuesIn(slow(cases::all_cases())), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, ForwardCudaModel, testing::ValuesIn(slow(cases::forward_cases())), case_name);

}  // namespace
}  // namespace alng::test
