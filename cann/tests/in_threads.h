// Threads that run at once.
#ifndef ALNG_TESTS_CANN_IN_THREADS_H
#define ALNG_TESTS_CANN_IN_THREADS_H

#include <thread>
#include <vector>

namespace alng::test {

/// Calls `call(i)` for every i in [0, count), each in a thread of its own, and returns when all have returned.
template <class Call>
void in_threads(int count, const Call& call) {
  std::vector<std::thread> running;
  for (int i = 0; i < count; ++i) running.emplace_back([&call, i] { call(i); });
  for (std::thread& thread : running) thread.join();
}

}  // namespace alng::test

#endif
