// Where tasks run when the caller brings no threads: on a few of the library's own.
#ifndef ALNG_CPU_THREADS_H
#define ALNG_CPU_THREADS_H

#include <cstdint>

#include "alng/options.hpp"
#include "plan/float_environment.h"

namespace alng::impl::cpu {

/// The library's own threads as an Executor. A run takes those that are idle and works itself; it waits for no thread
/// that has not begun, allocates nothing and takes no lock. Any number of runs may be under way.
const Executor& default_executor() noexcept;

/// Makes the threads that runs of `tasks` tasks can use, no more than there are processors, as far as the system gives
/// any. They stay until the process ends. Any thread may call it.
void prepare_default_executor(int tasks) noexcept;

/// Runs task(i) for every i in [0, count): on the calling thread where there is one, else on `threads`, or the
/// library's own where those are null, with the float environment that the calling thread has by then.
template <class Task>
void run_tasks(const Executor* threads, int count, const Task& task) noexcept {
  if (count == 1) return task(0);
  const Executor& executor = threads != nullptr ? *threads : default_executor();
  executor.parallel(
      executor.context, count,
      [](void* data, std::int32_t index) {
        const FloatEnvironment environment;
        (*static_cast<const Task*>(data))(index);
      },
      const_cast<Task*>(&task));
}

/// Processors that the calling thread may use: its affinity mask, not the machine's count.
int default_threads() noexcept;

}  // namespace alng::impl::cpu

#endif
