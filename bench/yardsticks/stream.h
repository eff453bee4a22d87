// The yardstick for problems out of cache: memory traffic of the same mix (as many arrays read, as many written past
// the cache) with nothing worth mentioning to compute.
#ifndef ALNG_YARDSTICKS_STREAM_H
#define ALNG_YARDSTICKS_STREAM_H

#include <cstddef>
#include <vector>

namespace alng::cli {

/// How many arrays are read and how many are overwritten.
struct StreamMix {
  int reads = 0;
  int writes = 0;
};

/// Arrays of `bytes` bytes each; all start on cache lines. Each that is written gets the sum of those that are read.
struct StreamArrays {
  StreamMix mix;
  const std::byte* read[4] = {};
  std::byte* write[2] = {};
  std::size_t bytes = 0;
};

/// One way to go through them; the machine decides which is fastest.
struct StreamVariant {
  const char* name;
  void (*run)(const StreamArrays& arrays, std::size_t begin, std::size_t end);
};

/// The variants for the machine's best instruction set: of 2 to 4 arrays read and 1 written (the gradient), or of 1 or
/// 2 read and 2 written (the forward).
std::vector<StreamVariant> stream_variants(StreamMix mix);

/// Once through the arrays, a contiguous part of them for each thread (oneTBB's).
void run_stream(const StreamVariant& variant, const StreamArrays& arrays, int threads);

}  // namespace alng::cli

#endif
