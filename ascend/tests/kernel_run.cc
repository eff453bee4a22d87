#include "ascend/tests/kernel_run.h"

#include <array>
#include <cstddef>
#include <vector>

#include "machine/product.h"
#include "operator.h"

namespace alng::test {
cases::Case kernel_case(std::int64_t rows, std::int64_t columns, DType dtype) {
  cases::Case what;
  what.name = std::to_string(rows) + "x" + std::to_string(columns);
  what.shape = {rows, columns};
  what.dtype = dtype;
  what.gamma = dtype;
  return what;
}

KernelOutcome run_kernel(const cases::Instance& instance, const KernelRun& how) {
  const cases::Case& what = instance.what();
  const twin::Product* product = twin::product_named(how.product);
  const twin::OperatorProblem problem = {what.rows(),
                                         what.columns(),
                                         what.dtype,
                                         what.gamma.value_or(what.dtype),
                                         what.gamma.has_value(),
                                         what.dsum,
                                         what.wants_dx,
                                         what.wants_dgamma,
                                         what.wants_dbeta};
  twin::Product of_size = *product;
  if (how.buffer_bytes > 0) of_size.ub_usable = how.buffer_bytes;
  KernelOutcome result;
  const twin::OperatorTiling tiling = twin::tile(problem, of_size, how.cores);
  result.refusal = tiling.refusal;
  result.tiling = tiling.result;
  if (!result.refusal.empty()) return result;
  std::array<std::vector<std::byte>, grad::count> bytes;
  std::array<std::byte*, grad::count> at{};
  for (int t = 0; t < grad::count; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (!instance.layout(t)) continue;
    bytes[i] = instance.storage(t);
    at[i] = bytes[i].data();
  }
  std::vector<std::byte> workspace(result.tiling.workspace_bytes, std::byte{0xFF});
  const twin::OperatorArguments arguments = {at[grad::dy],     at[grad::x1],    at[grad::x2],    at[grad::rstd],
                                             at[grad::mean],   at[grad::gamma], at[grad::dsum],  at[grad::dx],
                                             at[grad::dgamma], at[grad::dbeta], workspace.data()};
  result.report = twin::run(problem, arguments, of_size, result.tiling, how.auto_sync);
  for (int t = grad::dx; t < grad::count; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (instance.layout(t)) result.outcome.outputs[i - grad::dx] = instance.elements(t, bytes[i].data());
  }
  result.outcome.workspace_size = workspace.size();
  return result;
}

}  // namespace alng::test
