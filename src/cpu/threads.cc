#include "cpu/threads.h"

#include <tbb/blocked_range.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

namespace alng::cpu {
namespace {

void parallel(void*, std::int32_t count, void (*task)(void*, std::int32_t), void* task_data) {
  // Isolated: a thread that waits here must not pick up unrelated work of the caller's, who may hold a lock.
  tbb::this_task_arena::isolate([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::int32_t>(0, count, 1),
        [&](const tbb::blocked_range<std::int32_t>& range) {
          for (std::int32_t i = range.begin(); i != range.end(); ++i) task(task_data, i);
        },
        tbb::simple_partitioner());
  });
}

}  // namespace

const Executor& default_executor() noexcept {
  static constexpr Executor executor{&parallel, nullptr};
  return executor;
}

int default_threads() noexcept { return tbb::info::default_concurrency(); }

}  // namespace alng::cpu
