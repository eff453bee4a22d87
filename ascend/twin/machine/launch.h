// A kernel on all cores of a product. Cores run one at a time, from SyncAll to SyncAll, so that a launch is the same
// every time; each has a thread of its own to be stopped in the middle of the kernel.
#ifndef ALNG_ASCEND_TWIN_MACHINE_LAUNCH_H
#define ALNG_ASCEND_TWIN_MACHINE_LAUNCH_H

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "machine/core.h"
#include "machine/global_memory.h"
#include "machine/report.h"

namespace alng::twin {

struct LaunchOptions {
  const Product* product = nullptr;
  int blocks = 1;
  /// True: barriers between vector instructions that depend on each other are put in, as the compiler does unless told
  /// not to. False: they are missed.
  bool auto_sync = false;
  /// What TILING_KEY_IS asks for.
  std::int64_t tiling_key = 0;
  /// Whether every byte of an output must be written.
  bool outputs_complete = true;
  /// Whether UB addresses handed to kernels (GetPhyAddr) are such that scalar code touching them is seen. Takes over
  /// SIGSEGV while the launch lasts: for tests.
  bool watch_scalar_access = false;
};

class Launch {
 public:
  Launch(const LaunchOptions& options, GlobalMemory& memory);
  ~Launch();

  /// Runs `kernel` once on every core.
  Report run(const std::function<void()>& kernel);

  const LaunchOptions& options() const { return options_; }
  GlobalMemory& memory() { return memory_; }
  Findings& findings() { return findings_; }

  /// Called on a core's thread: lets the others run; returns when all have come here. Throws Abandoned where one never
  /// will.
  void sync_all(Core& core, const Where& where);

 private:
  enum class State : std::uint8_t { runnable, waiting, finished };
  struct Seat;

  void run_core(Seat& seat, const std::function<void()>& kernel);
  void give_turn(Seat& seat);
  void end_stretch();

  LaunchOptions options_;
  GlobalMemory& memory_;
  Findings findings_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Seat* turn_ = nullptr;
};

/// A kernel with `memory` as its arguments on the cores of a product.
Report launch(const LaunchOptions& options, GlobalMemory& memory, const std::function<void()>& kernel);

}  // namespace alng::twin

#endif
