#include "runtime/answer.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "acl/acl_base.h"

namespace alng::cann {
namespace {

// Plain characters: a thread's message needs no memory at a moment when there may be none, and none when it ends.
struct Message {
  std::array<char, 2048> pending{};
  std::array<char, 2048> handed_out{};
};
thread_local Message message;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::dtype:
      return "AclNN_Parameter_Error(EZ1006)";
    case Kind::tiling:
      return "AclNN_Tiling_Error(EZ1008)";
    case Kind::value:
      return "AclNN_Parameter_Error(EZ1010)";
    case Kind::null_pointer:
      return "AclNN_Parameter_Error(EZ1011)";
    case Kind::inner:
      break;
  }
  return "AclNN_Inner_Error(EZ9999)";
}

const char* sentence_of(const Answer& answer) {
  if (!answer.sentence.empty()) return answer.sentence.c_str();
  return answer.code == ACL_ERROR_BAD_ALLOC ? "memory ran out" : "an unexpected error of the host system";
}

}  // namespace

std::int32_t report(const Answer& answer) noexcept {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto microseconds =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count() % 1000000;
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "%Y-%m-%d-%H:%M:%S", &local);
  std::snprintf(message.pending.data(), message.pending.size(), "[PID: %d] %s.%03d.%03d %s: %s%s",
                static_cast<int>(::getpid()), time.data(), static_cast<int>(microseconds / 1000),
                static_cast<int>(microseconds % 1000), name_of(answer.kind), sentence_of(answer), inherited_words());
  return answer.code;
}

}  // namespace alng::cann

extern "C" const char* aclGetRecentErrMsg(void) {
  using alng::cann::message;
  if (message.pending[0] == '\0') return nullptr;
  message.handed_out = message.pending;
  message.pending[0] = '\0';
  return message.handed_out.data();
}
