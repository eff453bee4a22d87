#include "safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace alng::cli {
namespace {

struct DTypeName {
  std::string_view name;
  int bits;
  std::optional<DType> dtype;
};

// Every dtype the format defines: a file may carry tensors that are none of this tool's business.
constexpr std::array<DTypeName, 21> dtype_names{{{"F32", 32, DType::float32},
                                                 {"F16", 16, DType::float16},
                                                 {"BF16", 16, DType::bfloat16},
                                                 {"F64", 64, {}},
                                                 {"C64", 64, {}},
                                                 {"I64", 64, {}},
                                                 {"U64", 64, {}},
                                                 {"I32", 32, {}},
                                                 {"U32", 32, {}},
                                                 {"I16", 16, {}},
                                                 {"U16", 16, {}},
                                                 {"I8", 8, {}},
                                                 {"U8", 8, {}},
                                                 {"BOOL", 8, {}},
                                                 {"F8_E5M2", 8, {}},
                                                 {"F8_E4M3", 8, {}},
                                                 {"F8_E8M0", 8, {}},
                                                 {"F8_E4M3FNUZ", 8, {}},
                                                 {"F8_E5M2FNUZ", 8, {}},
                                                 {"F6_E2M3", 6, {}},
                                                 {"F4", 4, {}}}};

const DTypeName* find_dtype(std::string_view name) {
  const auto it = std::ranges::find(dtype_names, name, &DTypeName::name);
  return it == dtype_names.end() ? nullptr : &*it;
}

// A name from the file, fit for a sentence: of bounded length, without control characters.
std::string legible(std::string_view name) {
  std::string text = nlohmann::json(name.substr(0, 64)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  if (name.size() > 64) text.insert(text.size() - 1, "...");
  return text;
}

struct Entry {
  const DTypeName* dtype = nullptr;
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> offsets;
  bool has_shape = false;
  bool has_offsets = false;
};

// Takes the header event by event. No document tree is built, so memory stays near the header's own size, and whatever
// does not belong (depth, numbers, lists where none may be) is refused where it is met.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::map<std::string, Entry, std::less<>> entries;
  std::string error;

  bool start_object(std::size_t) override {
    if (depth_ == 0 || (depth_ == 1 && where_ == Where::tensor)) {
      ++depth_;
      return true;
    }
    return misplaced("an object");
  }

  bool key(string_t& name) override {
    if (depth_ == 1) {
      in_metadata_ = name == "__metadata__";
      where_ = Where::tensor;
      tensor_ = name;
      if (in_metadata_) {
        if (std::exchange(has_metadata_, true)) return fail("the header has two __metadata__ entries");
        return true;
      }
      const auto [it, fresh] = entries.try_emplace(name);
      entry_ = &it->second;
      return fresh || fail(fmt::format("the header describes tensor {} twice", legible(name)));
    }
    if (in_metadata_) {
      where_ = Where::metadata;
      return true;
    }
    bool seen = false;
    if (name == "dtype") {
      where_ = Where::dtype;
      seen = entry_->dtype != nullptr;
    } else if (name == "shape") {
      where_ = Where::shape;
      seen = entry_->has_shape;
    } else if (name == "data_offsets") {
      where_ = Where::offsets;
      seen = entry_->has_offsets;
    } else {
      return fail(fmt::format("tensor {} has an unknown header field {}", legible(tensor_), legible(name)));
    }
    return !seen || fail(fmt::format("tensor {} has the header field {} twice", legible(tensor_), legible(name)));
  }

  bool end_object() override {
    --depth_;
    if (depth_ == 1) {
      where_ = Where::tensor;
      if (!in_metadata_ && (entry_->dtype == nullptr || !entry_->has_shape || !entry_->has_offsets)) {
        return fail(fmt::format("tensor {} lacks one of dtype, shape, data_offsets", legible(tensor_)));
      }
    }
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ == 2 && !in_list_ && (where_ == Where::shape || where_ == Where::offsets)) {
      in_list_ = true;
      (where_ == Where::shape ? entry_->has_shape : entry_->has_offsets) = true;
      return true;
    }
    return misplaced("a list");
  }

  bool end_array() override {
    in_list_ = false;
    if (where_ == Where::offsets && entry_->offsets.size() != 2) {
      return fail(fmt::format("data_offsets of tensor {} are not exactly 2 numbers", legible(tensor_)));
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (!in_list_) return misplaced("a number");
    if (where_ == Where::offsets) {
      if (entry_->offsets.size() < 3) entry_->offsets.push_back(value);
      return true;
    }
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return bad_number();
    entry_->shape.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool string(string_t& text) override {
    if (depth_ == 2 && where_ == Where::metadata) return true;
    if (depth_ != 2 || where_ != Where::dtype || in_list_) return misplaced("a string");
    entry_->dtype = find_dtype(text);
    return entry_->dtype != nullptr ||
           fail(fmt::format("tensor {} has the unknown dtype {}", legible(tensor_), legible(text)));
  }

  bool null() override { return misplaced("null"); }
  bool boolean(bool) override { return misplaced("a boolean"); }
  bool number_integer(number_integer_t) override { return in_list_ ? bad_number() : misplaced("a number"); }
  bool number_float(number_float_t, const string_t&) override {
    return in_list_ ? bad_number() : misplaced("a number");
  }
  bool binary(binary_t&) override { return misplaced("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    return fail(fmt::format("the header is not valid JSON (at byte {} of it)", position));
  }

 private:
  enum class Where { tensor, dtype, shape, offsets, metadata };

  bool fail(std::string sentence) {
    if (error.empty()) error = std::move(sentence);
    return false;
  }
  bool misplaced(std::string_view what) {
    if (depth_ == 0) return fail(fmt::format("the header is {} instead of an object", what));
    return fail(fmt::format("the header has {} in a wrong place, inside {}", what, legible(tensor_)));
  }
  bool bad_number() {
    return fail(fmt::format("{} of tensor {} has a number that is not a whole number from 0 to 2^63 - 1",
                            where_ == Where::shape ? "shape" : "data_offsets", legible(tensor_)));
  }

  int depth_ = 0;
  Where where_ = Where::tensor;
  bool in_list_ = false;
  bool in_metadata_ = false;
  bool has_metadata_ = false;
  std::string tensor_;
  Entry* entry_ = nullptr;
};

}  // namespace

TensorMap parse_safetensors(std::span<const std::byte> file) {
  if (file.size() < 8) {
    throw Failure(
        fmt::format("not a safetensors file: {} bytes, shorter than the 8 of the header's length", file.size()));
  }
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  if (length > file.size() - 8) {
    throw Failure(fmt::format("not a safetensors file, or cut: the header claims {} bytes where {} are left", length,
                              file.size() - 8));
  }
  if (length > max_safetensors_header) {
    throw Failure(
        fmt::format("the header of {} bytes is longer than the {} that are read", length, max_safetensors_header));
  }
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + 8, length);
  const std::span<const std::byte> data = file.subspan(8 + length);
  if (!header.starts_with('{')) throw Failure("not a safetensors file: the header does not begin with '{'");

  HeaderReader reader;
  if (!nlohmann::json::sax_parse(header, &reader)) throw Failure(reader.error);

  std::vector<std::pair<const std::string*, const Entry*>> by_offset;
  by_offset.reserve(reader.entries.size());
  for (const auto& [name, entry] : reader.entries) {
    const std::uint64_t begin = entry.offsets[0];
    const std::uint64_t end = entry.offsets[1];
    if (begin > end || end > data.size()) {
      throw Failure(fmt::format("data_offsets [{}, {}] of tensor {} lie outside the file's {} bytes of data", begin,
                                end, legible(name), data.size()));
    }
    const auto size = byte_size(entry.shape, entry.dtype->bits);
    if (!size || static_cast<std::uint64_t>(*size) != end - begin) {
      throw Failure(fmt::format(
          "tensor {} is {}[{}] but has {} bytes of data", legible(name), entry.dtype->name,
          fmt::join(std::span(entry.shape).first(std::min<std::size_t>(entry.shape.size(), 16)), ", "), end - begin));
    }
    by_offset.emplace_back(&name, &entry);
  }
  std::ranges::sort(by_offset, {},
                    [](const auto& item) { return std::make_pair(item.second->offsets[0], item.second->offsets[1]); });
  std::uint64_t reached = 0;
  for (const auto& [name, entry] : by_offset) {
    if (entry->offsets[0] != reached) {
      throw Failure(fmt::format(
          "data of tensor {} begins at byte {}, {} the end of the tensor before it ({})", legible(*name),
          entry->offsets[0], entry->offsets[0] < reached ? "overlapping it before" : "leaving a hole behind", reached));
    }
    reached = entry->offsets[1];
  }
  if (reached != data.size()) {
    throw Failure(fmt::format("{} bytes at the end of the file belong to no tensor", data.size() - reached));
  }

  TensorMap tensors;
  for (auto& [name, entry] : reader.entries) {
    FileTensor tensor;
    tensor.dtype_name = entry.dtype->name;
    tensor.dtype = entry.dtype->dtype;
    tensor.shape = std::move(entry.shape);
    tensor.data = data.subspan(entry.offsets[0], entry.offsets[1] - entry.offsets[0]);
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

std::string safetensors_prologue(std::span<const SafetensorsEntry> entries) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  for (const SafetensorsEntry& entry : entries) {
    const char* name = entry.dtype == DType::float32 ? "F32" : entry.dtype == DType::float16 ? "F16" : "BF16";
    header[entry.name] = {{"dtype", name},
                          {"shape", std::vector<std::int64_t>(entry.shape.begin(), entry.shape.end())},
                          {"data_offsets", {entry.begin, entry.end}}};
  }
  std::string text = header.dump();
  text.resize((8 + text.size() + 63) / 64 * 64 - 8, ' ');
  std::string prologue(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) prologue[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
  return prologue + text;
}

}  // namespace alng::cli
