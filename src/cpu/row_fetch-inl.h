// Which lines of the inputs a sweep over a row asks memory for before it reads them, and how far ahead.
//
// Two ways, of which src/cpu/tuning.cc chooses: near, into the first-level cache, and far, into the second.

// Per-target include guard
#if defined(ALNG_CPU_ROW_FETCH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ALNG_CPU_ROW_FETCH_INL_H
#undef ALNG_CPU_ROW_FETCH_INL_H
#else
#define ALNG_CPU_ROW_FETCH_INL_H
#endif

#include <cstddef>
#include <cstdint>

#include "cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

constexpr std::size_t kLine = 64;

// How many bytes ahead of their use lines are asked for on their way into the first-level cache: several times, because
// a processor drops the prefetches that find all its miss buffers taken, and what was dropped would be waited for. Zen
// 5, ns an element of float32 on one thread, 8192x4096 and 16384x1024: asked once 0.604, 0.513; at 2496 and 1024 bytes
// 0.563, 0.476; at 2496, 1472 and 768 0.547, 0.459; at 2496, 1984, 1472 and 768 0.519, 0.444; at the first five of
// these 0.95 of that. The sixth takes 3 % more at 16384x1024, but on two threads that wait for a slow memory 3 % less
// at both. More of them gain where memory is slow (every 6 lines 4 %) and lose where it is not (4 to 10 %). bfloat16,
// 16384x4096 and 65536x1024: once 0.260, 0.274; at 3008, 2240 and 1472 0.246, 0.268; these within 1.5 % of that on one
// thread and 0.94 and 0.97 of it where memory is slow.
constexpr std::size_t kNearAhead[] = {3008, 2496, 1984, 1472, 960, 448};
// And into the second-level cache: about 40 lines of each input. Zen 4: 2048 and 6144 bytes are within 5 %, 1024 and
// 8192 are not.
constexpr std::size_t kFarAhead = 4096;
// How many lines of each input more are asked for where a sweep pauses, for the fold of a segment or between two rows,
// so that memory goes on meanwhile. Zen 5, time on two threads beside none: bfloat16 8192x4096 0.979 with 4 at the end
// of a row, 0.981 with 8, 0.97 with one at the end of a segment, too, 65536x1024 0.97; float32 8192x4096 0.99,
// 16384x1024 0.98 to 0.99. An Intel Emerald Rapids, which fetches into its second level: float32 8192x4096 0.982,
// 16384x1024 0.961, bfloat16 16384x4096 0.964, 65536x1024 0.944.
constexpr std::size_t kSegmentEndLines = 1;
constexpr std::size_t kRowEndLines = 4;

// The inputs that a sweep reads: the row at hand of dy, x1 and x2, the pending one of dsum. Unless kFull, x2 and dsum
// may be null. Behind the end of a row begins the next, or else what is fetched is not used; fetching cannot fault.
template <class T, bool kFull>
struct InputLines {
  const T* dy;
  const T* x1;
  const T* x2;
  const T* dsum;

  static constexpr std::size_t kLineElements = kLine / sizeof(T);

  // The lines ahead of the line that begins at i, which is being read. The compiler must leave these where they are;
  // the lines of two steps asked for together cost 5 to 10 %.
  HWY_INLINE void FetchNear(std::size_t i) const {
    __asm__ volatile("" : : : "memory");
    const std::size_t from = i + Arrived(dy + i);
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
  // 0, once the line at p is there. A sweep that waits for a line would else ask for all lines behind it at once, more
  // than there are miss buffers: float32 8192x4096 takes 0.94 of the time, 16384x1024 0.97. 16-bit dtypes, with twice
  // the arithmetic to a line, lose up to 3 % by it.
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
  // (`prefetchnta`): 1 to 2 % faster than not so, also for dy, which the next row's sweep reads again and finds in the
  // second level of the processors that fetch like this. Inlined early: a call of a function that does nothing but
  // fetch is dropped by gcc.
  template <int kInto>
  HWY_INLINE void Ask(std::size_t i) const {
    __builtin_prefetch(dy + i, 0, kInto);
    __builtin_prefetch(x1 + i, 0, kInto);
    if (kFull || x2 != nullptr) __builtin_prefetch(x2 + i, 0, kInto);
    if (kFull || dsum != nullptr) __builtin_prefetch(dsum + i, 0, kInto);
  }
};

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
