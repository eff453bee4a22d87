#include "files/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace alng::cli {
namespace {

// The header is a Python dict literal with exactly three keys. This reads that much of Python: one dict of quoted keys
// whose values are quoted strings, True, False, or a flat tuple of whole numbers. Nothing nests, so nothing can run
// deep.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;

  void read() {
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !has_descr) {
        if (peek() == '[') throw Failure("the array has structured elements; float32, float16 or bfloat16 is expected");
        descr = quoted();
        has_descr = true;
      } else if (key == "fortran_order" && !has_order) {
        fortran_order = boolean();
        has_order = true;
      } else if (key == "shape" && !has_shape) {
        tuple();
        has_shape = true;
      } else {
        throw Failure("the npy header has an unknown or repeated key");
      }
      if (!accept(',') && peek() != '}') malformed();
    }
    if (peek() != '\0' || !rest_.empty()) malformed();
    if (!has_descr || !has_order || !has_shape) {
      throw Failure("the npy header lacks one of descr, fortran_order, shape");
    }
  }

 private:
  [[noreturn]] static void malformed() { throw Failure("the npy header is not the dict numpy writes"); }

  char peek() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' || rest_[0] == '\t' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
    return rest_.empty() ? '\0' : rest_[0];
  }
  bool accept(char symbol) {
    if (rest_.empty() || peek() != symbol || rest_.empty()) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char symbol) {
    if (!accept(symbol)) malformed();
  }
  std::string quoted() {
    const char mark = peek();
    if (mark != '\'' && mark != '"') malformed();
    const std::size_t end = rest_.find(mark, 1);
    if (end == std::string_view::npos) malformed();
    std::string text(rest_.substr(1, end - 1));
    if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; })) malformed();
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    peek();
    for (const bool value : {true, false}) {
      const std::string_view word = value ? "True" : "False";
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return value;
      }
    }
    malformed();
  }
  void tuple() {
    expect('(');
    while (!accept(')')) {
      peek();
      std::int64_t extent = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
      if (error == std::errc::result_out_of_range || extent < 0) {
        throw Failure("the npy header's shape has a number that is not from 0 to 2^63 - 1");
      }
      if (error != std::errc()) malformed();
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      if (rest_.starts_with('L')) rest_.remove_prefix(1);  // Python 2's long
      shape.push_back(extent);
      if (!accept(',') && peek() != ')') malformed();
    }
  }

  std::string_view rest_;
};

// Nothing for a dtype that alng does not compute with.
std::optional<DType> dtype_of(std::string_view descr, std::string_view sidecar) {
  const auto last = sidecar.find_last_not_of(" \t\r\n");
  sidecar = sidecar.substr(0, last == std::string_view::npos ? 0 : last + 1);
  if (!sidecar.empty() && sidecar != "bfloat16") {
    throw Failure("the .dtype file beside it says something else than \"bfloat16\"");
  }
  const bool named_bfloat16 = descr == "<V2" || descr == "|V2" || descr == "V2" || descr == "bfloat16";
  if (named_bfloat16 || (!sidecar.empty() && descr == "<u2")) return DType::bfloat16;
  if (!sidecar.empty()) throw Failure(fmt::format("dtype '{}' where the .dtype file beside it says bfloat16", descr));
  if (descr == "<f4") return DType::float32;
  if (descr == "<f2") return DType::float16;
  if (descr.starts_with('>')) {
    throw Failure(fmt::format("dtype '{}' is big-endian; little-endian is expected", descr.substr(0, 32)));
  }
  return std::nullopt;
}

}  // namespace

FileTensor parse_npy(std::span<const std::byte> file, std::string_view sidecar) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (!text.starts_with("\x93NUMPY") || text.size() < 8)
    throw Failure("not an npy file: it does not begin with \\x93NUMPY");
  const int major = static_cast<unsigned char>(text[6]);
  if (major < 1 || major > 3 || text[7] != 0) {
    throw Failure(fmt::format("npy format version {}.{} is not known", major, static_cast<unsigned char>(text[7])));
  }
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  if (text.size() < 8 + length_bytes) throw Failure("the npy file is cut inside its header");
  std::size_t length = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) length |= std::to_integer<std::size_t>(file[8 + i]) << (8 * i);
  const std::size_t begin = 8 + length_bytes;
  if (length > text.size() - begin) {
    throw Failure(
        fmt::format("the npy file is cut: its header claims {} bytes where {} are left", length, text.size() - begin));
  }
  // numpy itself reads 10,000 bytes at most: a header of three short values is never near that.
  if (length > 65536)
    throw Failure(fmt::format("the npy header of {} bytes is longer than the 65536 that are read", length));

  HeaderReader header(text.substr(begin, length));
  header.read();
  FileTensor tensor;
  tensor.dtype = dtype_of(header.descr, sidecar);
  tensor.dtype_name = tensor.dtype ? dtype_name(*tensor.dtype) : fmt::format("'{}'", header.descr.substr(0, 32));
  tensor.shape = std::move(header.shape);
  tensor.column_major = header.fortran_order;
  tensor.data = file.subspan(begin + length);
  if (!tensor.dtype) return tensor;
  const auto size = byte_size(tensor.shape, static_cast<std::int64_t>(8 * dtype_size(*tensor.dtype)));
  if (!size || static_cast<std::uint64_t>(*size) != tensor.data.size()) {
    throw Failure(
        fmt::format("the npy header says {} but {} bytes of data follow", describe(tensor), tensor.data.size()));
  }
  return tensor;
}

std::string npy_prologue(DType dtype, std::span<const std::int64_t> shape) {
  std::string extents;
  for (const std::int64_t extent : shape) extents += fmt::format("{}, ", extent);
  if (shape.size() > 1) extents.resize(extents.size() - 2);  // "(2, 3)" but "(2,)", as numpy writes them
  if (shape.size() == 1) extents.resize(extents.size() - 1);
  const char* descr = dtype == DType::float32 ? "<f4" : dtype == DType::float16 ? "<f2" : "<V2";
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, extents);
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10, ' ');
  header.back() = '\n';
  std::string prologue("\x93NUMPY\x01\x00", 8);
  prologue += static_cast<char>(header.size() & 0xFF);
  prologue += static_cast<char>(header.size() >> 8);
  return prologue + header;
}

}  // namespace alng::cli
