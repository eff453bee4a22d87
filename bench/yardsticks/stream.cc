// What is fastest, measured on an AMD EPYC (Zen 4, two cores of a virtual machine, 32 MB L3), four arrays of 64 MB
// read, one written, 2 MB pages, AVX-512, in GB/s, the tenth percentile of thirty interleaved runs with the processors
// to themselves:
//
//                                                1 thread   2 threads
//   line by line, L2 prefetch 1 KB ahead             31.4        61.3    (768 B to 1.25 KB are alike, 2 KB is 50)
//   line by line                                     29.8        57.2
//   blocks of 16 KB through L2                       25.0        49.4
//   line by line, L1 prefetch 512 B ahead            25.5        47.7
//   2 lines of each array at a time                  28.6        54.1
//   4 lines, L2 prefetch 4 KB ahead                  28.7        52.8
//   4 lines                                          24.8        44.5
//   4 lines, L1 prefetch 1 KB ahead                  20.1        38.0
//   touch 4 KB of each array, then sum               16.5        30.8
//   4 lines, threads take turns every 4 KB           24.7        25.4
//
// The first four and a fifth are run and the fastest counts, since which one that is changes when other guests use the
// memory. With 4 KB pages all lose a quarter. The fifth is from a Zen 5; medians, two threads while memory was fast
// and while it was slow:
//
//                                                1 thread   2 threads
//   line by line                                     47.3   90.4   53.7
//   line by line, L1 prefetch 512 B ahead            48.0   90.4   54.7
//   line by line, L1 prefetch 1472 B ahead           47.1   90.1   55.2
//   the same, asked for once the last line is there  46.4   87.9   56.0
//   line by line, L2 prefetch 1 KB ahead             44.8   87.0   53.3
//   L1 prefetch 1984 and 1024 B ahead                44.7   85.0   55.4
//   L1 prefetch 3008, 2240 and 1472 B ahead          41.7   80.5   54.7
//
// Prefetching each line several times, as alng does, is slower where nothing is computed.
#include "yardsticks/stream.h"

#include <oneapi/tbb/parallel_for.h>

#if defined(__x86_64__)
#pragma GCC diagnostic ignored \
    "-Wmaybe-uninitialized"  // GCC 12 warns of its own _mm512_undefined_*() (GCC bug 105593).
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#include <algorithm>
#include <cstdint>
#include <cstring>

namespace alng::cli {
namespace {

#if defined(__x86_64__)

namespace avx512 {
#define ALNG_TARGET __attribute__((target("avx512f")))
template <int reads, int writes>
ALNG_TARGET inline __attribute__((always_inline)) void sum_line(const StreamArrays& arrays, std::size_t i) {
  __m512i sum = _mm512_load_si512(arrays.read[0] + i);
  for (int k = 1; k < reads; ++k) sum = _mm512_add_epi32(sum, _mm512_load_si512(arrays.read[k] + i));
  for (int k = 0; k < writes; ++k) _mm512_stream_si512(reinterpret_cast<__m512i*>(arrays.write[k] + i), sum);
}
#include "yardsticks/stream-inl.h"
#undef ALNG_TARGET
}  // namespace avx512

namespace avx2 {
#define ALNG_TARGET __attribute__((target("avx2")))
template <int reads, int writes>
ALNG_TARGET inline __attribute__((always_inline)) void sum_line(const StreamArrays& arrays, std::size_t i) {
  __m256i low = _mm256_load_si256(reinterpret_cast<const __m256i*>(arrays.read[0] + i));
  __m256i high = _mm256_load_si256(reinterpret_cast<const __m256i*>(arrays.read[0] + i + 32));
  for (int k = 1; k < reads; ++k) {
    low = _mm256_add_epi32(low, _mm256_load_si256(reinterpret_cast<const __m256i*>(arrays.read[k] + i)));
    high = _mm256_add_epi32(high, _mm256_load_si256(reinterpret_cast<const __m256i*>(arrays.read[k] + i + 32)));
  }
  for (int k = 0; k < writes; ++k) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(arrays.write[k] + i), low);
    _mm256_stream_si256(reinterpret_cast<__m256i*>(arrays.write[k] + i + 32), high);
  }
}
#include "yardsticks/stream-inl.h"
#undef ALNG_TARGET
}  // namespace avx2

#endif

namespace baseline {
#define ALNG_TARGET
template <int reads, int writes>
inline void sum_line(const StreamArrays& arrays, std::size_t i) {
#if defined(__x86_64__)
  for (std::size_t b = i; b < i + 64; b += 16) {
    __m128i sum = _mm_load_si128(reinterpret_cast<const __m128i*>(arrays.read[0] + b));
    for (int k = 1; k < reads; ++k) {
      sum = _mm_add_epi32(sum, _mm_load_si128(reinterpret_cast<const __m128i*>(arrays.read[k] + b)));
    }
    for (int k = 0; k < writes; ++k) _mm_stream_si128(reinterpret_cast<__m128i*>(arrays.write[k] + b), sum);
  }
#elif defined(__aarch64__)
  for (std::size_t b = i; b < i + 64; b += 32) {
    uint8x16_t low = vld1q_u8(reinterpret_cast<const std::uint8_t*>(arrays.read[0] + b));
    uint8x16_t high = vld1q_u8(reinterpret_cast<const std::uint8_t*>(arrays.read[0] + b + 16));
    for (int k = 1; k < reads; ++k) {
      low = vaddq_u8(low, vld1q_u8(reinterpret_cast<const std::uint8_t*>(arrays.read[k] + b)));
      high = vaddq_u8(high, vld1q_u8(reinterpret_cast<const std::uint8_t*>(arrays.read[k] + b + 16)));
    }
    // There is no intrinsic for the store pair with the non-temporal hint.
    for (int k = 0; k < writes; ++k) {
      __asm__ volatile("stnp %q0, %q1, [%2]" : : "w"(low), "w"(high), "r"(arrays.write[k] + b) : "memory");
    }
  }
#else
  std::uint64_t sum[8];
  std::memcpy(sum, arrays.read[0] + i, 64);
  for (int k = 1; k < reads; ++k) {
    std::uint64_t more[8];
    std::memcpy(more, arrays.read[k] + i, 64);
    for (int w = 0; w < 8; ++w) sum[w] += more[w];
  }
  for (int k = 0; k < writes; ++k) std::memcpy(arrays.write[k] + i, sum, 64);
#endif
}
#include "yardsticks/stream-inl.h"
#undef ALNG_TARGET
}  // namespace baseline

}  // namespace

std::vector<StreamVariant> stream_variants(StreamMix mix) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return avx512::variants(mix);
  if (__builtin_cpu_supports("avx2")) return avx2::variants(mix);
#endif
  return baseline::variants(mix);
}

void run_stream(const StreamVariant& variant, const StreamArrays& arrays, int threads) {
  const std::size_t lines = arrays.bytes / 64;
  const auto part = [&](int t) {
    variant.run(arrays, lines * t / threads * 64, lines * (t + 1) / threads * 64);
#if defined(__x86_64__)
    _mm_sfence();
#endif
  };
  if (threads == 1) {
    part(0);
  } else {
    tbb::parallel_for(0, threads, part, tbb::static_partitioner());
  }
  // What does not fill a line.
  for (std::size_t i = lines * 64; i < arrays.bytes; ++i) {
    unsigned sum = 0;
    for (int k = 0; k < arrays.mix.reads; ++k) sum += std::to_integer<unsigned>(arrays.read[k][i]);
    for (int k = 0; k < arrays.mix.writes; ++k) arrays.write[k][i] = static_cast<std::byte>(sum);
  }
}

}  // namespace alng::cli
