#include "tensor_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "npy.h"
#include "progress.h"
#include "safetensors.h"

namespace alng::cli {

std::string describe(const FileTensor& tensor) {
  const std::span shape(tensor.shape);
  if (shape.size() <= 16) return fmt::format("{}[{}]", tensor.dtype_name, fmt::join(shape, ", "));
  return fmt::format("{}[{}, ...] of rank {}", tensor.dtype_name, fmt::join(shape.first(16), ", "), shape.size());
}

std::optional<std::int64_t> byte_size(std::span<const std::int64_t> shape, std::int64_t element_bits) {
  std::int64_t bits = element_bits;
  bool empty = false;
  for (const std::int64_t extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bits, extent, &bits)) {
      return std::nullopt;
    }
  }
  if (empty) return 0;
  if (bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

namespace {

// Every npy header, and most of safetensors.
constexpr std::size_t header_guess = 65536 + 12;

// A file of which the header is in memory.
std::unique_ptr<InputFile> open_header(const std::filesystem::path& path) {
  auto file = std::make_unique<InputFile>(path);
  file->load(file->bytes().first(std::min(file->bytes().size(), header_guess)));
  return file;
}

// The rest of a header that is longer. One whose length makes no sense is refused by the parser, unread.
void load_safetensors_header(const InputFile& file) {
  const std::span bytes = file.bytes();
  if (bytes.size() < 8) return;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length <= std::min<std::uint64_t>(bytes.size() - 8, max_safetensors_header)) file.load(bytes.first(8 + length));
}

}  // namespace

TensorFile::TensorFile(const std::filesystem::path& path, std::span<const std::string_view> names)
    : name_(path.string()) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    files_.push_back(open_header(path));
    load_safetensors_header(*files_.back());
    try {
      tensors_ = parse_safetensors(files_.back()->bytes());
    } catch (const Failure& failure) {
      throw Failure(fmt::format("{}: {}", name_, failure.what()));
    }
    for (auto& [name, tensor] : tensors_) {
      if (std::ranges::find(names, name) != names.end()) place(tensor, *files_.back());
    }
    return;
  }
  for (const std::string_view name : names) {
    const std::filesystem::path file = path / fmt::format("{}.npy", name);
    if (!std::filesystem::exists(file, error)) continue;
    std::string sidecar(16, '\0');
    std::ifstream stream(path / fmt::format("{}.dtype", name), std::ios::binary);
    stream.read(sidecar.data(), static_cast<std::streamsize>(sidecar.size()));
    sidecar.resize(static_cast<std::size_t>(stream.gcount()));
    files_.push_back(open_header(file));
    try {
      place(tensors_.emplace(name, parse_npy(files_.back()->bytes(), sidecar)).first->second, *files_.back());
    } catch (const Failure& failure) {
      throw Failure(fmt::format("{}: {}", file.string(), failure.what()));
    }
  }
}

const FileTensor* TensorFile::find(std::string_view name) const {
  const auto it = tensors_.find(name);
  return it == tensors_.end() ? nullptr : &it->second;
}

// The library wants elements at addresses their type can have. Files written by the usual libraries have that, and are
// used where they lie; one whose header has an odd length is read to another place instead.
void TensorFile::place(FileTensor& tensor, const InputFile& file) {
  Part part{&file, tensor.data, nullptr};
  if (tensor.dtype && reinterpret_cast<std::uintptr_t>(tensor.data.data()) % dtype_size(*tensor.dtype) != 0) {
    part.copy = std::make_unique_for_overwrite<std::byte[]>(tensor.data.size());
    tensor.data = {part.copy.get(), tensor.data.size()};
  }
  parts_.push_back(std::move(part));
}

void TensorFile::load() const {
  std::int64_t total = 0;
  for (const Part& part : parts_) total += static_cast<std::int64_t>(part.bytes.size());
  Progress progress(fmt::format("reading {}", name_), total);
  const auto advance = [&progress](std::int64_t bytes) { progress.advance(bytes); };
  for (const Part& part : parts_) {
    if (part.copy) {
      part.file->read(part.bytes, part.copy.get(), advance);
    } else {
      part.file->load(part.bytes, advance);
    }
  }
}

}  // namespace alng::cli
