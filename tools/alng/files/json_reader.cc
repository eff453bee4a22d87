#include "files/json_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "terminal/failure.h"

namespace alng::cli {
namespace {

constexpr int max_depth = 127;

// How many bytes the UTF-8 character at the begin of `text` has; 0 where there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
  }
  // Longer than needed, a surrogate, or beyond 0x10FFFF.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
  if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::uint32_t first[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(first[more] | code >> (6 * more));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | (code >> (6 * i) & 0x3F));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void JsonReader::malformed() const {
  throw Failure(fmt::format("the header is not valid JSON (at byte {} of it)", at_));
}

// The next character that is not white space, '\0' at the end. A NUL in the text is no symbol either.
char JsonReader::next() {
  at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
  return at_ < text_.size() ? text_[at_] : '\0';
}

bool JsonReader::accept(char symbol) {
  if (next() != symbol) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char symbol) {
  if (!accept(symbol)) malformed();
}

void JsonReader::open(char symbol) {
  expect(symbol);
  if (++depth_ > max_depth) throw Failure(fmt::format("the header is nested more than {} deep", max_depth));
}

JsonReader::Kind JsonReader::peek() {
  const char first = next();
  if (is_digit(first) || first == '-') return Kind::number;
  switch (first) {
    case '{':
      return Kind::object;
    case '[':
      return Kind::list;
    case '"':
      return Kind::string;
    case 't':
    case 'f':
      return Kind::boolean;
    case 'n':
      return Kind::null;
    default:
      malformed();
  }
}

std::string JsonReader::string() {
  expect('"');
  std::string text;
  for (;;) {
    if (at_ == text_.size() || static_cast<unsigned char>(text_[at_]) < ' ') malformed();
    if (text_[at_] == '"') break;
    if (text_[at_] == '\\') {
      escape(text);
      continue;
    }
    const std::size_t length = utf8_length(text_.substr(at_));
    if (length == 0) malformed();
    text += text_.substr(at_, length);
    at_ += length;
  }
  ++at_;
  return text;
}

void JsonReader::escape(std::string& text) {
  constexpr std::string_view symbols = "\"\\/bfnrtu", meanings = "\"\\/\b\f\n\r\t";
  const std::size_t which = at_ + 1 < text_.size() ? symbols.find(text_[at_ + 1]) : std::string_view::npos;
  if (which == std::string_view::npos) malformed();
  at_ += 2;
  if (which < meanings.size()) {
    text += meanings[which];
    return;
  }
  std::uint32_t code = four_digits();
  if (code >= 0xD800 && code < 0xE000) {  // one half of a pair, the upper one first
    if (code >= 0xDC00 || text_.substr(at_, 2) != "\\u") malformed();
    at_ += 2;
    const std::uint32_t lower = four_digits();
    if (lower < 0xDC00 || lower >= 0xE000) malformed();
    code = 0x10000 + ((code - 0xD800) << 10) + (lower - 0xDC00);
  }
  append_utf8(text, code);
}

std::uint32_t JsonReader::four_digits() {
  const std::string_view digits = text_.substr(at_, 4);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + 4) malformed();
  at_ += 4;
  return value;
}

// Moves behind the digits here and says how many they were.
std::size_t JsonReader::digits() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
  return at_ - begin;
}

std::optional<std::uint64_t> JsonReader::number() {
  next();
  const std::size_t begin = at_;
  const auto take = [this](std::string_view symbols) {
    const bool there = at_ < text_.size() && symbols.find(text_[at_]) != std::string_view::npos;
    if (there) ++at_;
    return there;
  };
  bool whole = !take("-");
  const bool zero = at_ < text_.size() && text_[at_] == '0';
  const std::size_t leading = digits();
  if (leading == 0 || (zero && leading > 1)) malformed();
  if (take(".")) {
    whole = false;
    if (digits() == 0) malformed();
  }
  if (take("eE")) {
    whole = false;
    take("+-");
    if (digits() == 0) malformed();
  }
  const std::string_view token = text_.substr(begin, at_ - begin);
  std::uint64_t value = 0;
  if (whole && std::from_chars(token.data(), token.data() + token.size(), value).ec == std::errc()) return value;
  // The format's own library refuses a number beyond double's range wherever it stands.
  if (std::isinf(std::strtod(std::string(token).c_str(), nullptr))) malformed();
  return std::nullopt;
}

void JsonReader::skip() {
  const auto word = [this](std::string_view text) {
    if (text_.substr(at_, text.size()) != text) malformed();
    at_ += text.size();
  };
  switch (peek()) {
    case Kind::object:
      return object([this](const std::string&) { skip(); });
    case Kind::list:
      return list([this] { skip(); });
    case Kind::string:
      return static_cast<void>(string());
    case Kind::number:
      return static_cast<void>(number());
    case Kind::boolean:
      return word(text_[at_] == 't' ? "true" : "false");
    case Kind::null:
      return word("null");
  }
}

void JsonReader::end() {
  next();
  if (at_ != text_.size()) malformed();
}

}  // namespace alng::cli
