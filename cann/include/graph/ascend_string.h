// Text that crosses between a program and the engine, whatever standard library's std::string the program has. C++14.
#ifndef ALNG_CANN_GRAPH_ASCEND_STRING_H
#define ALNG_CANN_GRAPH_ASCEND_STRING_H

#include <cstddef>
#include <functional>
#include <memory>

// Marks what libalng_cann exports to graph-mode programs.
#if defined(__GNUC__)
#define GE_FUNC_VISIBILITY __attribute__((visibility("default")))
#else
#define GE_FUNC_VISIBILITY
#endif

// NOLINTBEGIN(readability-identifier-naming, google-explicit-constructor): the names and conversions are CANN's

namespace ge {

// An immutable text; copies share it.
class GE_FUNC_VISIBILITY AscendString {
 public:
  AscendString() = default;
  // A copy of `text` up to its end; of null, the empty text.
  AscendString(const char* text);
  // The first `length` characters of `text`, which may hold any character; of null, the empty text.
  AscendString(const char* text, size_t length);

  // Never null; ends with a 0. Valid as long as any copy lives.
  const char* GetString() const;
  size_t GetLength() const;
  size_t Hash() const;

  // By the characters' values as unsigned numbers.
  bool operator<(const AscendString& other) const { return Compare(other) < 0; }
  bool operator>(const AscendString& other) const { return Compare(other) > 0; }
  bool operator<=(const AscendString& other) const { return Compare(other) <= 0; }
  bool operator>=(const AscendString& other) const { return Compare(other) >= 0; }
  bool operator==(const AscendString& other) const { return Compare(other) == 0; }
  bool operator!=(const AscendString& other) const { return Compare(other) != 0; }

 private:
  struct Text;
  int Compare(const AscendString& other) const;
  std::shared_ptr<const Text> text_;
};

}  // namespace ge

namespace std {
template <>
struct hash<ge::AscendString> {
  size_t operator()(const ge::AscendString& text) const { return text.Hash(); }
};
}  // namespace std

// NOLINTEND(readability-identifier-naming, google-explicit-constructor)

#endif
