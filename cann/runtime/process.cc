// What concerns the whole process: its beginning and end, and small things that belong to no object.
#include <sys/stat.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

#include "acl/acl.h"
#include "aclnn/aclnn_base.h"
#include "runtime/device.h"
#include "runtime/event.h"
#include "runtime/leaks.h"
#include "runtime/memory.h"
#include "runtime/product.h"

namespace alng::cann {
namespace {

enum class State { never_begun, begun, ended };
struct Kept {
  LeakCount count;
  const char* what;
};
struct Life final : Forked {
  Life() { join(); }
  void before_fork() override { mutex.lock(); }
  void in_parent() override { mutex.unlock(); }
  void in_child() override {
    inherited = inherited || state == State::begun;
    state = State::never_begun;
    mutex.unlock();
  }

  std::mutex mutex;
  State state = State::never_begun;
  bool inherited = false;  // by a child of fork, whose parent had begun
  std::vector<Kept> kept;
};

Life& life() {
  static Life& life = *new Life;
  return life;
}

Answer check_config(const char* function, const char* path) {
  struct stat info {};
  if (path == nullptr || *path == '\0' || ::stat(path, &info) == 0) return {};
  return invalid(std::string(function) + ": configPath is \"" + path + "\" but there is no such file");
}

void print_leaks(const std::vector<Kept>& kept) {
  const char* const wanted = std::getenv("ALNG_CANN_DEBUG");
  std::string text = memory().leaks();
  if (wanted == nullptr || std::string(wanted) != "1") return;
  const auto left = [&text](std::size_t count, const char* what) {
    if (count > 0) text += std::to_string(count) + " " + what + "\n";
  };
  left(streams().size(), "streams");
  left(events().size(), "events");
  for (const auto& [count, what] : kept) left(count(), what);
  if (text.empty()) text = "nothing\n";
  std::fprintf(stderr, "aclFinalize: never freed:\n%s", text.c_str());
}

}  // namespace

void add_leak_count(LeakCount count, const char* what) {
  const std::lock_guard lock(life().mutex);
  life().kept.push_back({count, what});
}

}  // namespace alng::cann

using namespace alng::cann;  // NOLINT(google-build-using-namespace): the door of this file

extern "C" {

aclError aclInit(const char* configPath) {
  return guarded([&]() -> Answer {
    if (Answer answer = check_config("aclInit", configPath); !answer.ok()) return answer;
    if (Answer answer = check_product(); !answer.ok()) return answer;
    const std::lock_guard lock(life().mutex);
    if (life().state == State::begun) {
      return {ACL_ERROR_REPEAT_INITIALIZE, Kind::inner, "aclInit: it was called before, without aclFinalize since"};
    }
    life().state = State::begun;
    return {};
  });
}

aclError aclFinalize(void) {
  return guarded([&]() -> Answer {
    std::vector<Kept> kept;
    {
      const std::lock_guard lock(life().mutex);
      if (life().state == State::never_begun) {
        if (life().inherited) note_inherited();
        return {ACL_ERROR_UNINITIALIZE, Kind::inner, "aclFinalize: aclInit was not called before"};
      }
      if (life().state == State::ended) {
        return {ACL_ERROR_REPEAT_FINALIZE, Kind::inner, "aclFinalize: it was called before, without aclInit since"};
      }
      life().state = State::ended;
      kept = life().kept;
    }
    print_leaks(kept);
    return {};
  });
}

aclnnStatus aclnnInit(const char* configPath) {
  return guarded([&]() -> Answer {
    Answer answer = check_config("aclnnInit", configPath);
    if (!answer.ok()) answer.code = ACLNN_ERR_PARAM_INVALID;
    return answer;
  });
}

aclnnStatus aclnnFinalize(void) { return OK; }

aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion) {
  return guarded([&]() -> Answer {
    if (majorVersion == nullptr) return null_pointer("aclrtGetVersion", "majorVersion");
    if (minorVersion == nullptr) return null_pointer("aclrtGetVersion", "minorVersion");
    if (patchVersion == nullptr) return null_pointer("aclrtGetVersion", "patchVersion");
    *majorVersion = 1;
    *minorVersion = 0;
    *patchVersion = 0;
    return {};
  });
}

size_t aclDataTypeSize(aclDataType dataType) {
  switch (dataType) {
    case ACL_INT8:
    case ACL_UINT8:
    case ACL_BOOL:
    case ACL_HIFLOAT8:
    case ACL_FLOAT8_E5M2:
    case ACL_FLOAT8_E4M3FN:
    case ACL_FLOAT8_E8M0:
      return 1;
    case ACL_FLOAT16:
    case ACL_BF16:
    case ACL_INT16:
    case ACL_UINT16:
      return 2;
    case ACL_FLOAT:
    case ACL_INT32:
    case ACL_UINT32:
    case ACL_COMPLEX32:
      return 4;
    case ACL_INT64:
    case ACL_UINT64:
    case ACL_DOUBLE:
    case ACL_COMPLEX64:
      return 8;
    case ACL_COMPLEX128:
      return 16;
    default:
      return 0;
  }
}

float aclFloat16ToFloat(aclFloat16 value) {
  const int exponent = value >> 10 & 31;
  const int mantissa = value & 1023;
  const std::uint32_t sign = static_cast<std::uint32_t>(value & 0x8000) << 16;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | static_cast<std::uint32_t>(mantissa) << 13);
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                        : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

aclFloat16 aclFloatToFloat16(float value) {
  if (value != value) return 0x7E00;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint32_t>(bits >> 16 & 0x8000U);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude >= 0x477FF000U) return static_cast<aclFloat16>(sign | 0x7C00U);  // 65520 and more
  // Multiples of the spacing of binary16 at this size, 2^-24 for the denormals; a carry runs into the exponent as it
  // should.
  const int exponent = std::max(static_cast<int>(magnitude >> 23) - 127, -14);
  const double units = std::ldexp(static_cast<double>(std::bit_cast<float>(magnitude)), 10 - exponent);
  const auto below = static_cast<std::uint32_t>(units);
  const double rest = units - below;
  const std::uint32_t rounded = below + (rest > 0.5 || (rest == 0.5 && below % 2 == 1) ? 1 : 0);
  return static_cast<aclFloat16>(sign | (static_cast<std::uint32_t>(exponent + 14) * 1024 + rounded));
}

}  // extern "C"
