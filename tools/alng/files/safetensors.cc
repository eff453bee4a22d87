#include "files/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "files/json_reader.h"
#include "files/tensor_names.h"

namespace alng::cli {
namespace {

struct DTypeName {
  std::string_view name;
  int bits;
  std::optional<DType> dtype;
};

// Every dtype the format defines: a file may also hold tensors that alng does not read.
constexpr std::array<DTypeName, 22> dtype_names{{{"F32", 32, DType::float32},
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
                                                 {"F6_E3M2", 6, {}},
                                                 {"F4", 4, {}}}};

struct Entry {
  const DTypeName* dtype = nullptr;
  std::vector<std::uint64_t> shape;
  std::vector<std::uint64_t> offsets;
};

constexpr std::array<std::string_view, 3> fields{"dtype", "shape", "data_offsets"};

// Takes what the format's own library takes: fields of a tensor that are not the format's are skipped, a tensor may be
// a list of its three fields, a dtype may be {"F32": null}, and of two tensors of one name the latter counts.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view header) : json_(header) {}

  std::map<std::string, Entry, std::less<>> read() {
    must_be(Kind::object, "the header", "an object");
    json_.object([this](const std::string& name) {
      if (name == "__metadata__") {
        metadata();
      } else {
        entries_.insert_or_assign(name, tensor(name));
      }
    });
    json_.end();
    return std::move(entries_);
  }

 private:
  using Kind = JsonReader::Kind;

  void must_be(Kind kind, const std::string& what, std::string_view expected) {
    constexpr std::string_view kinds[] = {"an object", "a list", "a string", "a number", "a boolean", "null"};
    const Kind found = json_.peek();
    if (found == kind) return;
    throw Failure(fmt::format("{} is {} but must be {}", what, kinds[static_cast<int>(found)], expected));
  }

  void metadata() {
    if (std::exchange(has_metadata_, true)) throw Failure("the header has two __metadata__ entries");
    if (json_.peek() == Kind::null) return json_.skip();
    must_be(Kind::object, "__metadata__", "an object of strings");
    json_.object([this](const std::string& name) {
      must_be(Kind::string, legible(name) + " of __metadata__", "a string");
      json_.skip();
    });
  }

  Entry tensor(const std::string& name) {
    Entry entry;
    std::array<bool, fields.size()> seen{};
    const auto take = [&](std::size_t field) {
      const std::string what = fmt::format("{} of tensor {}", fields[field], legible(name));
      if (std::exchange(seen[field], true)) throw Failure(what + " is there twice");
      if (field == 0) {
        entry.dtype = dtype(what, name);
      } else {
        numbers(what, field == 1 ? entry.shape : entry.offsets);
      }
    };
    if (json_.peek() == Kind::list) {
      std::size_t field = 0;
      json_.list([&] {
        if (field == fields.size()) throw Failure(fmt::format("tensor {} is a list of more than 3", legible(name)));
        take(field++);
      });
    } else {
      must_be(Kind::object, "tensor " + legible(name), "an object");
      json_.object([&](const std::string& key) {
        const auto field = static_cast<std::size_t>(std::ranges::find(fields, key) - fields.begin());
        if (field == fields.size()) return json_.skip();
        take(field);
      });
    }
    if (const auto lost = std::ranges::find(seen, false); lost != seen.end()) {
      throw Failure(
          fmt::format("tensor {} has no {}", legible(name), fields[static_cast<std::size_t>(lost - seen.begin())]));
    }
    if (entry.offsets.size() != 2) {
      throw Failure(fmt::format("data_offsets of tensor {} are not exactly 2 numbers", legible(name)));
    }
    return entry;
  }

  const DTypeName* dtype(const std::string& what, const std::string& tensor) {
    std::string text;
    if (json_.peek() == Kind::object) {
      bool fresh = true;
      json_.object([&](const std::string& key) {
        if (!std::exchange(fresh, false)) throw Failure(what + " is an object of more than one name");
        text = key;
        must_be(Kind::null, what + " is an object whose value", "null");
        json_.skip();
      });
    } else {
      must_be(Kind::string, what, "a string");
      text = json_.string();
    }
    const auto it = std::ranges::find(dtype_names, text, &DTypeName::name);
    if (it == dtype_names.end()) {
      throw Failure(fmt::format("tensor {} has the unknown dtype {}", legible(tensor), legible(text)));
    }
    return &*it;
  }

  void numbers(const std::string& what, std::vector<std::uint64_t>& out) {
    must_be(Kind::list, what, "a list of whole numbers");
    json_.list([&] {
      if (json_.peek() != Kind::number) must_be(Kind::number, "an entry in " + what, "a whole number");
      const std::optional<std::uint64_t> number = json_.number();
      if (!number) throw Failure(what + " has a number that is not a whole number from 0 to 2^64 - 1");
      out.push_back(*number);
    });
  }

  JsonReader json_;
  std::map<std::string, Entry, std::less<>> entries_;
  bool has_metadata_ = false;
};

// The bytes of a tensor; nothing where a product leaves 64 bits, taken from the left as the format's own library does
// (a 0 on the left keeps all in bounds), or is a broken number of bytes.
std::optional<std::uint64_t> data_size(const Entry& entry) {
  std::uint64_t bits = 1;
  for (const std::uint64_t extent : entry.shape) {
    if (__builtin_mul_overflow(bits, extent, &bits)) return std::nullopt;
  }
  if (__builtin_mul_overflow(bits, static_cast<std::uint64_t>(entry.dtype->bits), &bits) || bits % 8 != 0) {
    return std::nullopt;
  }
  return bits / 8;
}

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
  const std::span<const std::byte> data = file.subspan(8 + length);
  auto entries = HeaderReader({reinterpret_cast<const char*>(file.data()) + 8, length}).read();

  TensorMap tensors;
  std::vector<std::pair<const std::string*, const Entry*>> by_offset;
  by_offset.reserve(entries.size());
  for (const auto& [name, entry] : entries) {
    const std::uint64_t begin = entry.offsets[0];
    const std::uint64_t end = entry.offsets[1];
    if (begin > end || end > data.size()) {
      throw Failure(fmt::format("data_offsets [{}, {}] of tensor {} lie outside the file's {} bytes of data", begin,
                                end, legible(name), data.size()));
    }
    FileTensor tensor;
    tensor.dtype_name = entry.dtype->name;
    tensor.dtype = entry.dtype->dtype;
    tensor.shape.assign(entry.shape.begin(), entry.shape.end());
    tensor.data = data.subspan(begin, end - begin);
    if (data_size(entry) != end - begin) {
      throw Failure(
          fmt::format("tensor {} is {} but has {} bytes of data", legible(name), describe(tensor), end - begin));
    }
    tensors.emplace(name, std::move(tensor));
    by_offset.emplace_back(&name, &entry);
  }
  std::ranges::sort(by_offset, {}, [](const auto& item) { return item.second->offsets; });
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
