#include "ge/message.h"

#include <array>
#include <cstdio>
#include <cstring>

#include "ge/ge_api.h"

namespace alng::cann::engine {
namespace {

// Plain characters: a message needs no memory at a moment when there may be none, and none when its thread ends.
struct Messages {
  std::array<char, 4096> error{};
  std::array<char, 4096> warning{};
};
thread_local Messages messages;

template <std::size_t n>
ge::AscendString take(std::array<char, n>& text) {
  ge::AscendString out(text.data());
  text[0] = '\0';
  return out;
}

const char* sentence_of(const Status& status) {
  if (!status.message().empty()) return status.message().c_str();
  return status.code() == Code::out_of_memory ? "memory ran out" : "an unexpected error of the host system";
}

}  // namespace

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\x%02x", byte);
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + "\"";
}

ge::Status report(const char* function, const Status& status) noexcept {
  std::snprintf(messages.error.data(), messages.error.size(), "%s: %s", function, sentence_of(status));
  return ge::FAILED;
}

void warn(const char* function, const std::string& sentence) {
  std::string text = messages.warning.data();
  text += std::string(function) + ": " + sentence + "\n";
  while (text.size() >= messages.warning.size()) {
    const std::size_t end = text.find('\n');
    text.erase(0, end + 1);
  }
  std::memcpy(messages.warning.data(), text.c_str(), text.size() + 1);
}

}  // namespace alng::cann::engine

namespace ge {

AscendString GEGetErrorMsgV2() { return alng::cann::engine::take(alng::cann::engine::messages.error); }

AscendString GEGetWarningMsgV2() { return alng::cann::engine::take(alng::cann::engine::messages.warning); }

}  // namespace ge
