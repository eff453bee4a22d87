// Which lines a sweep over a row prefetches, and how far ahead: of the inputs, where they come from memory, and of the
// outputs, where they are written through the caches.
//
// Inputs in two ways, of which src/cpu/tuning.cc chooses: near, into the first-level cache, and far, into the second.

// Per-target include guard
#if defined(ALNG_CPU_ROW_FETCH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_FETCH_INL_H
#undef ALNG_CPU_ROW_FETCH_INL_H
#else
#define ALNG_CPU_ROW_FETCH_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "cpu/memory.h"
#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

constexpr std::size_t kLine = line_bytes;

// Prefetch distances in bytes, and lines fetched at pauses; the measurements are in docs/tuning.md, "Fetching ahead".
//
// Into the first-level cache each line is prefetched at six distances, because a processor drops prefetches while all
// its miss buffers are taken, and a dropped line stops the sweep: with four distances instead of one 0.444 instead of
// 0.513 ns an element (float32, 16384x1024, Zen 5).
constexpr std::size_t kNearAhead[] = {3008, 2496, 1984, 1472, 960, 448};
// Into the second-level cache: about 40 lines of each input. 2048 and 6144 bytes are within 5 % (Zen 4).
constexpr std::size_t kFarAhead = 4096;
// Lines of each input that are fetched while a sweep folds a segment or ends a row, which keeps memory busy: 0.94 to
// 0.98 of the time (Emerald Rapids), 0.97 to 0.99 (Zen 5).
constexpr std::size_t kSegmentEndLines = 1;
constexpr std::size_t kRowEndLines = 4;

// A store to a line that is not in the first-level cache waits for it, and every later store behind it, so that the
// sweep stops once the store buffer is full. Fetched to be written this far ahead, 64x768 takes 0.79 (float32) and 0.92
// (bfloat16) of the time on one thread, 512x1024 0.90 and 0.86 (Emerald Rapids, forward).
constexpr std::size_t kWriteAhead = 512;

// n elements ahead of element i of an output. Behind its end nothing is changed; fetching cannot fault.
template <class T>
HWY_INLINE void FetchToWrite(const T* output, std::size_t i, std::size_t n) {
  for (std::size_t k = 0; k < n; k += kLine / sizeof(T)) {
    const T* const line = output + i + kWriteAhead / sizeof(T) + k;
#if HWY_ARCH_X86
    // The builtin fetches to read unless the compiler may take more than every x86-64 has.
    __asm__ volatile("prefetchw %0" : : "m"(*line));
#else
    __builtin_prefetch(line, 1);
#endif
  }
}

// The inputs that a sweep reads, as `T` or null where absent; never null where kAll. Behind the end of a row begins the
// next, or else what is fetched is not used; fetching cannot fault.
template <class T, bool kAll, std::size_t kInputs>
struct InputLines {
  const T* inputs[kInputs];

  static constexpr std::size_t kLineElements = kLine / sizeof(T);

  // The lines ahead of the line that begins at i, which is being read. The compiler must leave these where they are;
  // the lines of two steps asked for together cost 5 to 10 %.
  HWY_INLINE void FetchNear(std::size_t i) const {
    __asm__ volatile("" : : : "memory");
    const std::size_t from = i + Arrived(inputs[0] + i);
#pragma GCC unroll 8
    for (const std::size_t ahead : kNearAhead) Ask<0>(from + ahead / sizeof(T));
    __asm__ volatile("" : : : "memory");
  }

  // Where a sweep pauses behind column `end`: lines that the next steps would ask for first, and once more later.
  template <bool kNear>
  HWY_INLINE void FetchAtPause(std::size_t end, bool row_ends, bool fetch_far) const {
    const std::size_t count = row_ends ? kRowEndLines : kSegmentEndLines;
    if constexpr (kNear) {
      __asm__ volatile("" : : : "memory");
      for (std::size_t k = 0; k < count; ++k) Ask<0>(end + kNearAhead[0] / sizeof(T) + k * kLineElements);
      __asm__ volatile("" : : : "memory");
    } else if (fetch_far) {
      FetchFar(end, count * kLineElements);
    }
  }

  // n elements far ahead of i, into the second-level cache.
  HWY_INLINE void FetchFar(std::size_t i, std::size_t n) const {
    for (std::size_t k = 0; k < n; k += kLineElements) Ask<2>(i + kFarAhead / sizeof(T) + k);
  }

 private:
  // Returns 0 once the line at p has arrived, so that prefetches which depend on it are issued line by line. Without it
  // a sweep that stalls on a line issues all later prefetches at once, more than there are miss buffers: with it
  // float32 8192x4096 takes 0.94 of the time, 16384x1024 0.97. 16-bit dtypes, with twice the arithmetic to a line,
  // would lose up to 3 %.
  static HWY_INLINE std::size_t Arrived(const T* p) {
    std::uint32_t arrived = 0;
#if HWY_ARCH_X86
    if constexpr (sizeof(T) == sizeof(float)) {
      __asm__ volatile("movl %1, %0\n\tandl $0, %0" : "=r"(arrived) : "m"(*p) : "cc");
    }
#else
    (void)p;
#endif
    return arrived;
  }

  // The line of each input at i. 2 is into all caches but the first level; 0 into the first as passing by
  // (`prefetchnta`): 1 to 2 % faster than not so, also for dy, which the next row's sweep of a gradient reads again and
  // finds in the second level of the processors that fetch like this. Inlined early: a call of a function that does
  // nothing but fetch is dropped by gcc.
  template <int kInto>
  HWY_INLINE void Ask(std::size_t i) const {
#pragma GCC unroll 4
    for (const T* const input : inputs) {
      if (kAll || input != nullptr) __builtin_prefetch(input + i, 0, kInto);
    }
  }
};

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
