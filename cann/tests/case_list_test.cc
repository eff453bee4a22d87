// Every case that aclnn can express, through it: the bits of the C++ interface, and nothing else written.
#include "operator/case_list.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "cann/tests/acl_problem.h"
#include "cases/instance.h"
#include "operator/run_case.h"

namespace alng::test {
namespace {

using cases::Case;
using cases::Instance;

// aclnn requires x2 and all outputs, and overwrites them.
bool expressible(const Case& what) {
  return what.x2 && what.wants_dx && what.wants_dgamma && what.wants_dbeta && !what.accumulate;
}

std::vector<Case> expressible_of(const std::vector<Case>& all) {
  std::vector<Case> out;
  for (const Case& what : all) {
    if (expressible(what)) out.push_back(what);
  }
  return out;
}

aclDataType acl_dtype(DType dtype) {
  return dtype == DType::float32 ? ACL_FLOAT : dtype == DType::float16 ? ACL_FLOAT16 : ACL_BF16;
}

// As frameworks make tensors: the storage has one dimension and begins before the first element, the format's name goes
// by the rank.
TensorSpec spec_of(const TensorLayout& layout, std::size_t before, std::size_t storage_bytes, void* storage) {
  const auto rank = static_cast<std::size_t>(layout.rank);
  TensorSpec spec;
  spec.shape.assign(layout.shape.begin(), layout.shape.begin() + layout.rank);
  spec.strides.assign(layout.strides.begin(), layout.strides.begin() + layout.rank);
  spec.offset = static_cast<std::int64_t>(before);
  spec.storage = {static_cast<std::int64_t>(storage_bytes / dtype_size(layout.dtype))};
  spec.dtype = acl_dtype(layout.dtype);
  spec.format = rank == 3 ? ACL_FORMAT_NCL : rank == 4 ? ACL_FORMAT_NCHW : rank == 5 ? ACL_FORMAT_NCDHW : ACL_FORMAT_ND;
  spec.data = storage;
  return spec;
}

class Cases : public testing::TestWithParam<Case> {};

TEST_P(Cases, HaveTheBitsOfTheCppInterface) {
  const Instance instance(GetParam());
  const Outcome expected = run_case(instance);
  ASSERT_TRUE(expected.status.ok()) << expected.status.message();

  const Session session;
  const TestStream stream;
  constexpr std::size_t before = 3;  // elements of the storage before the tensor's first
  std::array<DeviceMemory, grad::count> memory;
  std::array<std::vector<std::byte>, grad::count> as_it_was;
  std::array<aclTensor*, grad::count> tensors{};
  for (int t = 0; t < grad::count; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (!instance.layout(t)) continue;
    const auto where = static_cast<std::size_t>(t == grad::dx && instance.dx_over() >= 0 ? instance.dx_over() : t);
    if (where == i) {
      as_it_was[i].assign(before * dtype_size(instance.layout(t)->dtype), std::byte{0xA5});
      as_it_was[i].insert(as_it_was[i].end(), instance.storage(t).begin(), instance.storage(t).end());
      memory[i] = DeviceMemory(as_it_was[i]);
    }
    tensors[i] = create_tensor(spec_of(*instance.layout(t), before, memory[where].size(), memory[where].get()));
    ASSERT_NE(tensors[i], nullptr);
  }

  std::uint64_t workspace_size = 0;
  aclOpExecutor* executor = nullptr;
  ASSERT_EQ(
      aclnnAddLayerNormGradGetWorkspaceSize(tensors[0], tensors[1], tensors[2], tensors[3], tensors[4], tensors[5],
                                            tensors[6], tensors[7], tensors[8], tensors[9], &workspace_size, &executor),
      0)
      << recent_message();
  const DeviceMemory workspace(workspace_size);
  ASSERT_EQ(aclnnAddLayerNormGrad(workspace.get(), workspace_size, executor, stream.get()), 0) << recent_message();
  ASSERT_EQ(aclrtSynchronizeStream(stream.get()), 0) << recent_message();

  Outcome got;
  for (int t = 0; t < grad::count; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (!instance.layout(t)) continue;
    EXPECT_EQ(aclDestroyTensor(tensors[i]), 0);
    const auto where = static_cast<std::size_t>(t == grad::dx && instance.dx_over() >= 0 ? instance.dx_over() : t);
    const std::vector<std::byte> contents = memory[where].contents();
    const std::size_t first = before * dtype_size(instance.layout(t)->dtype);
    EXPECT_EQ(std::memcmp(contents.data(), as_it_was[where].data(), first), 0) << "written before " << place_name(t);
    if (t >= grad::dx) {
      got.outputs[static_cast<std::size_t>(t - grad::dx)] = instance.elements(t, contents.data() + first);
    } else if (t != instance.dx_over()) {
      EXPECT_EQ(contents, as_it_was[i]) << place_name(t) << " was written";
    }
  }
  EXPECT_EQ(difference(instance, expected, got), "");
}

INSTANTIATE_TEST_SUITE_P(Fast, Cases, testing::ValuesIn(expressible_of(fast(cases::all_cases()))), case_name);
INSTANTIATE_TEST_SUITE_P(Slow, Cases, testing::ValuesIn(expressible_of(slow(cases::all_cases()))), case_name);

TEST(CaseList, IsMostlyExpressible) {
  const std::size_t all = cases::all_cases().size();
  const std::size_t left = expressible_of(cases::all_cases()).size();
  EXPECT_GT(left * 10, all * 7) << left << " of " << all;
}

}  // namespace
}  // namespace alng::test
