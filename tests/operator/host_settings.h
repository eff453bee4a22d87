// The floating-point control register of the calling thread, as a host program may have set it.
#ifndef ALNG_TESTS_OPERATOR_HOST_SETTINGS_H
#define ALNG_TESTS_OPERATOR_HOST_SETTINGS_H

#include <cstdint>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace alng::test {

struct HostSetting {
  const char* name;
  std::uint64_t bits;
};

#if defined(__x86_64__)
inline std::uint64_t control_register() { return _mm_getcsr() & ~std::uint64_t{0x3F}; }  // without the sticky flags
inline void set_control_register(std::uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }
inline const std::vector<HostSetting>& host_settings() {
  static const std::vector<HostSetting> list = {{"flush to zero, denormals are zero", 0x1F80 | 0x8040},
                                                {"flush to zero", 0x1F80 | 0x8000},
                                                {"round up", 0x1F80 | 0x4000},
                                                {"round down, flush to zero", 0x1F80 | 0xA000},
                                                {"round towards zero", 0x1F80 | 0x6000},
                                                {"invalid, overflow and underflow trap", 0x1F80 & ~0xC80}};
  return list;
}
#elif defined(__aarch64__)
inline std::uint64_t control_register() {
  std::uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
inline void set_control_register(std::uint64_t value) { asm volatile("msr fpcr, %0" : : "r"(value) : "memory"); }
inline const std::vector<HostSetting>& host_settings() {
  static const std::vector<HostSetting> list = {{"flush to zero", 1u << 24},
                                                {"default NaN", 1u << 25},
                                                {"round up", 1u << 22},
                                                {"round down, flush to zero", (2u << 22) | (1u << 24)},
                                                {"round towards zero", 3u << 22}};
  return list;
}
#endif

/// Puts a setting in force for the lifetime of an object.
class UnderSetting {
 public:
  explicit UnderSetting(const HostSetting& setting) : before_(control_register()) {
    set_control_register(setting.bits);
  }
  ~UnderSetting() { set_control_register(before_); }
  UnderSetting(const UnderSetting&) = delete;
  UnderSetting& operator=(const UnderSetting&) = delete;

 private:
  std::uint64_t before_;
};

}  // namespace alng::test

#endif
