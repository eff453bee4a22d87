// Where tasks run when the caller brings no threads: oneTBB's.
#ifndef ALNG_CPU_THREADS_H
#define ALNG_CPU_THREADS_H

#include "alng/plan.hpp"

namespace alng::cpu {

/// oneTBB as an Executor.
const Executor& default_executor() noexcept;

/// Makes what the default executor needs for `tasks` tasks, so that it allocates nothing in a run. Any thread may call
/// it.
void prepare_default_executor(int tasks);

/// Processors for this process: its affinity mask, not the machine's count.
int default_threads() noexcept;

}  // namespace alng::cpu

#endif
