// Round to nearest, denormals kept, for the lifetime of an object on the thread that made it. Hosts set flush-to-zero
// (training frameworks do, for speed) and pass it on to their threads; it would change bits.
#ifndef ALNG_PLAN_FLOAT_ENVIRONMENT_H
#define ALNG_PLAN_FLOAT_ENVIRONMENT_H

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace alng::impl {

class FloatEnvironment {
 public:
  FloatEnvironment() noexcept : saved_(read()) { write(standard); }
  ~FloatEnvironment() { write(saved_); }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
#if defined(__x86_64__)
  // MXCSR: all exceptions masked, nearest even, neither flush-to-zero nor denormals-are-zero.
  static constexpr std::uint64_t standard = 0x1F80;
  static std::uint64_t read() noexcept { return _mm_getcsr(); }
  static void write(std::uint64_t value) noexcept { _mm_setcsr(static_cast<unsigned>(value)); }
#elif defined(__aarch64__)
  // FPCR: 0 is nearest even, no flush to zero, no default NaN, no traps.
  static constexpr std::uint64_t standard = 0;
  static std::uint64_t read() noexcept {
    std::uint64_t value;
    asm volatile("mrs %0, fpcr" : "=r"(value));
    return value;
  }
  static void write(std::uint64_t value) noexcept { asm volatile("msr fpcr, %0" : : "r"(value) : "memory"); }
#else
#error "alng knows the floating-point control register of x86-64 and aarch64 only"
#endif

  std::uint64_t saved_;
};

}  // namespace alng::impl

#endif
