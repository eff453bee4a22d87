// What a launch did and how long the model says it takes.
#ifndef ALNG_ASCEND_TWIN_MACHINE_REPORT_H
#define ALNG_ASCEND_TWIN_MACHINE_REPORT_H

#include <array>
#include <cstdint>
#include <vector>

#include "machine/finding.h"

namespace alng::twin {

struct CoreReport {
  /// By Pipe.
  std::array<std::int64_t, 4> instructions{};
  /// Cycles a pipe was at work: issue and transfer of a DMA, repeats of a vector instruction with its head and tail
  /// where something waited for it.
  std::array<double, 4> busy{};
  std::int64_t bytes_in = 0;
  std::int64_t bytes_out = 0;
  std::int64_t flags = 0;
  std::int64_t barriers = 0;
  /// Barriers that automatic synchronisation put in.
  std::int64_t automatic_barriers = 0;
  std::int64_t sync_alls = 0;
  /// Cycles that operands of one bank group cost.
  double conflict_cycles = 0;
  /// The most UB that was allocated at once.
  std::uint32_t ub_bytes = 0;
  /// The most register-level vector registers that lived at once.
  int registers = 0;
  /// When the core came to its first SyncAll; its end, where it has none.
  double cycles_to_sync = 0;
  /// When the core had done everything.
  double cycles = 0;
};

struct Report {
  std::vector<Finding> findings;
  std::vector<CoreReport> cores;
  /// The latest core's end, without the launch itself (20 us).
  double cycles = 0;

  bool clean() const { return findings.empty(); }
  /// All findings, one a line.
  std::string sentences() const;
};

}  // namespace alng::twin

#endif
