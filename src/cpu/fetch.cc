#include "cpu/fetch.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace alng::cpu {
namespace {

// In the last-level cache fetching ahead costs. Into the second level 6 % at 10 MB, while at 20 MB it gains 13 % (Zen
// 4).
constexpr std::int64_t second_level_problem_bytes = 17 << 20;
// Into the first level, where lines are asked for several times, 1.5 times the time at 10 to 17 MB and 1.1 to 1.4 times
// at 21 MB; at 26 MB it gained 4 to 23 % in one hour and nothing in another, when bfloat16 lost 17 %; at 29 MB it gains
// 13 % (Zen 5, two threads, 32 MB shared with strangers).
constexpr std::int64_t first_level_problem_bytes = 26 << 20;

// From this size on the first-level cache of an AMD processor has room for the lines on their way beside what the sums
// of a row touch. On a Zen 5 (48 KB) fetching into it takes 0.675, 0.583 (float32 8192x4096, 16384x1024), 0.334, 0.285
// (bfloat16 16384x4096, 65536x1024) ns an element on one thread, fetching into the second level 0.830, 0.732, 0.474,
// 0.359. On a Zen 4 (32 KB) it is the other way round: four streams read and summed come at 25 GB/s with their lines
// fetched into the first level, at 31 GB/s with them in the second.
constexpr long amd_first_level_bytes = 48 << 10;

// Not by the size alone: an Intel Xeon of 2023 (Emerald Rapids) has 48 KB, too, and takes 1.49, 1.43 (float32)
// and 2.12, 1.78 times (bfloat16) as long on two threads with lines fetched into the first level as with them in the
// second.
bool first_level_is_faster() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("amd") && sysconf(_SC_LEVEL1_DCACHE_SIZE) >= amd_first_level_bytes;
#else
  return false;
#endif
}

}  // namespace

Result<Fetch> choose_fetch(std::int64_t bytes) {
  if (const char* forced = std::getenv("ALNG_FETCH")) {
    const std::string_view level = forced;
    if (level == "nowhere") return Fetch::nowhere;
    if (level == "first") return Fetch::first_level;
    if (level == "second") return Fetch::second_level;
    return Status(Code::bad_option, "the environment variable ALNG_FETCH is \"" + std::string(level) +
                                        "\" but must be one of first, second, nowhere");
  }
  // The lower bound first: of a small problem, planned at every call, the processor is asked nothing.
  static_assert(second_level_problem_bytes <= first_level_problem_bytes);
  if (bytes < second_level_problem_bytes) return Fetch::nowhere;
  if (!first_level_is_faster()) return Fetch::second_level;
  return bytes < first_level_problem_bytes ? Fetch::nowhere : Fetch::first_level;
}

}  // namespace alng::cpu
