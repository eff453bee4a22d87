// The kernel of the Ascend package, run on the twin with the numbers of a case.
#ifndef ALNG_TESTS_ASCEND_KERNEL_RUN_H
#define ALNG_TESTS_ASCEND_KERNEL_RUN_H

#include <cstdint>
#include <string>

#include "cases/instance.h"
#include "machine/launch.h"
#include "op_host/tiling.h"
#include "operator/run_case.h"

namespace alng::test {

struct KernelRun {
  /// As twin::product_named knows it: a2, a3, 950pr, 950dt.
  std::string product = "a2";
  /// 0: those of the product.
  int cores = 0;
  /// 0: that of the product.
  std::uint32_t buffer_bytes = 0;
  bool auto_sync = false;
};

struct KernelOutcome {
  /// Why there was no launch; empty: there was.
  std::string refusal;
  Outcome outcome;
  twin::Report report;
  alng_npu::TilingResult tiling;
};

/// A case of dense layout with x2 and without accumulation. Outputs and workspace begin as garbage, and nothing but
/// them may be written: the twin looks at every access.
KernelOutcome run_kernel(const cases::Instance& instance, const KernelRun& how = {});

/// A case by its shape, the way the list has them.
cases::Case kernel_case(std::int64_t rows, std::int64_t columns, DType dtype = DType::float16);

}  // namespace alng::test

#endif
