#include "graph/ascend_string.h"

#include <string>
#include <string_view>

namespace ge {

struct AscendString::Text {
  std::string characters;
};

AscendString::AscendString(const char* text)
    : AscendString(text, text == nullptr ? 0 : std::string_view(text).size()) {}

AscendString::AscendString(const char* text, size_t length) {
  if (text != nullptr && length > 0) text_ = std::make_shared<Text>(Text{{text, length}});
}

const char* AscendString::GetString() const { return text_ == nullptr ? "" : text_->characters.c_str(); }

size_t AscendString::GetLength() const { return text_ == nullptr ? 0 : text_->characters.size(); }

size_t AscendString::Hash() const { return std::hash<std::string_view>()({GetString(), GetLength()}); }

int AscendString::Compare(const AscendString& other) const {
  return std::string_view(GetString(), GetLength()).compare({other.GetString(), other.GetLength()});
}

}  // namespace ge
