// JSON taken value by value, without a tree in memory: what RFC 8259 allows and nothing else (no byte order mark, no
// NUL, no comments), nested 127 deep at most.
#ifndef ALNG_TOOLS_JSON_READER_H
#define ALNG_TOOLS_JSON_READER_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace alng::cli {

/// Each function takes the next value of the text, and throws `Failure` with a sentence where it is not valid JSON or
/// not of that kind. `peek` tells the kind before.
class JsonReader {
 public:
  enum class Kind { object, list, string, number, boolean, null };

  explicit JsonReader(std::string_view text) : text_(text) {}

  /// By the value's first character alone.
  Kind peek();
  /// Calls `member` with each name; it takes the value.
  template <typename Member>
  void object(Member member) {
    open('{');
    if (!accept('}')) {
      do {
        const std::string name = string();
        expect(':');
        member(name);
      } while (accept(','));
      expect('}');
    }
    --depth_;
  }
  /// Calls `item` before each item; it takes the value.
  template <typename Item>
  void list(Item item) {
    open('[');
    if (!accept(']')) {
      do item();
      while (accept(','));
      expect(']');
    }
    --depth_;
  }
  std::string string();
  /// Nothing for a number that is not written as a whole one from 0 to 2^64 - 1.
  std::optional<std::uint64_t> number();
  /// A value of any kind.
  void skip();
  /// The text must end here.
  void end();

 private:
  [[noreturn]] void malformed() const;
  char next();
  bool accept(char symbol);
  void expect(char symbol);
  void open(char symbol);
  void escape(std::string& text);
  std::uint32_t four_digits();
  std::size_t digits();

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace alng::cli

#endif
