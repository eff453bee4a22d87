// How a plan shall be made, and by whom it is run.
#ifndef ALNG_OPTIONS_HPP
#define ALNG_OPTIONS_HPP

#include <cstdint>
#include <string>

#include "alng/language.h"

namespace alng {

/// How a plan shall be made. The defaults choose what is fastest here; no choice but that of an `ascend:*` device
/// changes a bit of the result.
struct PlanOptions {
  /// A device as `devices()` names it: `"cpu"`, `"reference"` (the scalar specification, slow), or empty for the CPU.
  /// `"cuda:1"` is a GPU, `"cuda"` the one that is current for the calling thread: with all pointers its own, and the
  /// same bits. Programs that link the model of the Ascend package also have `"ascend:a2"`, `"ascend:a3"`,
  /// `"ascend:950pr"` and `"ascend:950dt"`: that product's kernel, run exactly and very slowly. They are never chosen
  /// unasked, and their sums have the hardware's order, not the canonical one.
  std::string device;
  /// An instruction set as `instruction_sets()` names it: `"scalar"`, `"avx2"`, `"avx512"`, `"neon"`, `"sve"`. Empty:
  /// what the environment variable ALNG_ISA names, else the best this machine runs.
  std::string isa;
  /// The most tasks that may run at once; 0: as many as there are processors for the calling thread. A plan uses fewer
  /// where more would not help (small problems run on the calling thread alone). On CUDA the most multiprocessors, on
  /// `ascend:*` the number of vector cores.
  int threads = 0;
};

/// Threads brought by the caller. A plain pair of function and context, so that any pool can be wrapped. An exception
/// that leaves `parallel` ends the process.
struct Executor {
  /// Runs `task(task_data, i)` once for every i in [0, count), on any threads, in any order, one after another or at
  /// once, and returns when all have returned. May be called from several threads at once where plans are run so.
  void (*parallel)(void* context, std::int32_t count, void (*task)(void* task_data, std::int32_t index),
                   void* task_data) = nullptr;
  /// Handed through to `parallel`.
  void* context = nullptr;
};

/// A device or an instruction set, and whether this machine has it.
struct Availability {
  std::string name;
  bool available = false;
  /// Why it is, or why it is not, in a few words.
  std::string reason;
};

}  // namespace alng

#endif
