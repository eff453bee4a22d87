// A gradient from any bytes.
#include "any_problem.h"

namespace alng::fuzz {
namespace {

GradDescription describe(Bytes& bytes) {
  GradDescription d;
  const Shapes is(bytes);
  d.dy = layout_of(bytes, is.dtype, is.shape);
  d.x1 = layout_of(bytes, is.dtype, is.shape);
  if (!bytes.one_in(6)) d.x2 = layout_of(bytes, is.dtype, is.shape);
  d.rstd = layout_of(bytes, DType::float32, is.statistic);
  d.mean = layout_of(bytes, DType::float32, is.statistic);
  if (!bytes.one_in(3)) d.gamma = layout_of(bytes, bytes.one_in(2) ? DType::float32 : is.dtype, is.columns);
  if (bytes.one_in(2)) d.dsum = layout_of(bytes, is.dtype, is.shape);
  if (!bytes.one_in(6)) d.dx = layout_of(bytes, is.dtype, is.shape);
  if (!bytes.one_in(6)) d.dgamma = layout_of(bytes, DType::float32, is.columns);
  if (!bytes.one_in(6)) d.dbeta = layout_of(bytes, DType::float32, is.columns);
  d.normalized_dims = static_cast<int>(bytes.one_in(16) ? bytes.any() : bytes.one_in(2) ? is.trailing : 0);
  d.accumulate = bytes.one_in(4);
  return d;
}

}  // namespace
}  // namespace alng::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alng::fuzz::Bytes bytes(std::span(data, size));
  alng::fuzz::try_problem<alng::GradProblem, alng::GradPlan>(bytes, alng::fuzz::describe(bytes));
  return 0;
}
