#include "cpu/fetch.h"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace alng::cpu {
namespace {

// In the last-level cache fetching ahead costs: into the second level 6 % at 10 MB, while at 20 MB it gains 13 % (Zen
// 4); into the first level 8 to 25 % at 14 to 16 MB, while at 20 MB it costs 2 or gains 18 %, at 24 MB gains 28 % (Zen
// 5, 32 MB, shared with strangers).
constexpr std::int64_t fetch_problem_bytes = 17 << 20;

// From this size on the first-level cache has room for the lines on their way beside what the sums of a row touch. On a
// Zen 5 (48 KB) fetching into it takes 0.675, 0.583 (float32 8192x4096, 16384x1024), 0.334, 0.285 (bfloat16
// 16384x4096, 65536x1024) ns an element on one thread, fetching into the second level 0.830, 0.732, 0.474, 0.359. On a
// Zen 4 (32 KB) it is the other way round: four streams read and summed come at 25 GB/s with their lines fetched into
// the first level, at 31 GB/s with them in the second.
constexpr long first_level_bytes = 48 << 10;

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
  if (bytes < fetch_problem_bytes) return Fetch::nowhere;
  return sysconf(_SC_LEVEL1_DCACHE_SIZE) >= first_level_bytes ? Fetch::first_level : Fetch::second_level;
}

}  // namespace alng::cpu
