// A forward from any bytes.
#include <cstring>

#include "any_problem.h"

namespace alng::fuzz {
namespace {

ForwardDescription describe(Bytes& bytes) {
  ForwardDescription d;
  const Shapes is(bytes);
  d.x1 = layout_of(bytes, is.dtype, is.shape);
  if (!bytes.one_in(6)) d.x2 = layout_of(bytes, is.dtype, is.shape);
  if (!bytes.one_in(3)) d.gamma = layout_of(bytes, bytes.one_in(2) ? DType::float32 : is.dtype, is.columns);
  if (!bytes.one_in(3)) d.beta = layout_of(bytes, bytes.one_in(2) ? DType::float32 : is.dtype, is.columns);
  if (!bytes.one_in(6)) d.y = layout_of(bytes, is.dtype, is.shape);
  if (!bytes.one_in(6)) d.mean = layout_of(bytes, DType::float32, is.statistic);
  if (!bytes.one_in(6)) d.rstd = layout_of(bytes, DType::float32, is.statistic);
  if (!bytes.one_in(6)) d.x = layout_of(bytes, is.dtype, is.shape);
  d.normalized_dims = static_cast<int>(bytes.one_in(16) ? bytes.any() : bytes.one_in(2) ? is.trailing : 0);
  d.round_sum = bytes.one_in(2);
  if (bytes.one_in(8)) {  // any float at all
    const auto bits = static_cast<std::uint32_t>(bytes.any());
    std::memcpy(&d.eps, &bits, sizeof bits);
  }
  return d;
}

}  // namespace
}  // namespace alng::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alng::fuzz::Bytes bytes(std::span(data, size));
  alng::fuzz::try_problem<alng::ForwardProblem, alng::ForwardPlan>(bytes, alng::fuzz::describe(bytes));
  return 0;
}
