// Where tasks run when the caller brings no threads: oneTBB's, in the arena of the calling thread.
#ifndef ALNG_CPU_THREADS_H
#define ALNG_CPU_THREADS_H

#include "alng/plan.hpp"

namespace alng::cpu {

/// oneTBB as an Executor.
const Executor& default_executor() noexcept;

/// Processors for this process: its affinity mask, not the machine's count.
int default_threads() noexcept;

}  // namespace alng::cpu

#endif
