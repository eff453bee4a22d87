// Times calls of a contestant where no interpreter is in the way.
#include <chrono>
#include <cstdint>

#include "contestant.h"

extern "C" CONTESTANT_EXPORT void time_calls(void (*run)(void*), void* contestant, int warm, int timed,
                                             std::int64_t* nanoseconds) {
  for (int i = 0; i < warm; ++i) run(contestant);
  for (int i = 0; i < timed; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    run(contestant);
    nanoseconds[i] =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count();
  }
}
