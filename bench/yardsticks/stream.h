// The yardstick for problems out of cache: memory traffic of the same mix (as many streams read, one written past the
// cache) with nothing worth mentioning to compute.
#ifndef ALNG_YARDSTICKS_STREAM_H
#define ALNG_YARDSTICKS_STREAM_H

#include <cstddef>
#include <vector>

namespace alng::cli {

/// `count` arrays of `bytes` bytes each are read, one is overwritten; all start on cache lines.
struct StreamArrays {
  const std::byte* read[4] = {};
  int count = 0;
  std::byte* write = nullptr;
  std::size_t bytes = 0;
};

/// One way to go through them; the machine decides which is fastest.
struct StreamVariant {
  const char* name;
  void (*run)(const StreamArrays& arrays, std::size_t begin, std::size_t end);
};

/// The variants for the machine's best instruction set and this number of arrays, 2 to 4.
std::vector<StreamVariant> stream_variants(int count);

/// Once through the arrays, a contiguous part of them for each thread (oneTBB's).
void run_stream(const StreamVariant& variant, const StreamArrays& arrays, int threads);

}  // namespace alng::cli

#endif
