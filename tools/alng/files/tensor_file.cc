#include "files/tensor_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "files/npy.h"
#include "files/safetensors.h"
#include "terminal/progress.h"

namespace alng::cli {
namespace {

// Whether the name exists. An error other than "not there" is a failure, and so is a link to nothing.
bool is_there(const std::filesystem::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return false;
    throw Failure(fmt::format("can't read {}: {}", path.string(), std::strerror(errno)));
  }
  if (S_ISLNK(status.st_mode) && ::stat(path.c_str(), &status) != 0) {
    throw Failure(fmt::format("can't read {}, a symbolic link: {}", path.string(), std::strerror(errno)));
  }
  return true;
}

}  // namespace

std::string describe(const FileTensor& tensor) {
  // Extents as in the file, where they are not negative.
  const std::vector<std::uint64_t> extents(tensor.shape.begin(), tensor.shape.end());
  const std::span shape(extents);
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

// The rest of a longer header. The parser refuses an impossible length before anything is read.
void load_safetensors_header(const InputFile& file) {
  const std::span bytes = file.bytes();
  if (bytes.size() < 8) return;
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < 8; ++i) length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length <= std::min<std::uint64_t>(bytes.size() - 8, max_safetensors_header)) file.load(bytes.first(8 + length));
}

}  // namespace

TensorFile::TensorFile(const std::filesystem::path& path, std::span<const std::string_view> wanted, TensorNames names)
    : name_(path.string()), names_(std::move(names)) {
  for (const std::string_view name : wanted) wanted_names_.push_back(names_.in_file(name));
  struct stat status {};
  // Where that fails, the attempt to read the path as a file says why.
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    read_folder(path);
    return;
  }
  files_.push_back(open_header(path));
  load_safetensors_header(*files_.back());
  try {
    tensors_ = parse_safetensors(files_.back()->bytes());
  } catch (const Failure& failure) {
    throw Failure(fmt::format("{}: {}", name_, failure.what()));
  }
  for (auto& [name, tensor] : tensors_) {
    all_names_.push_back(name);
    if (std::ranges::find(wanted_names_, name) != wanted_names_.end()) place(tensor, *files_.back());
  }
}

void TensorFile::read_folder(const std::filesystem::path& path) {
  try {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      if (entry.path().extension() == ".npy") all_names_.push_back(entry.path().stem().string());
    }
  } catch (const std::filesystem::filesystem_error& error) {
    throw Failure(fmt::format("can't list {}: {}", name_, error.code().message()));
  }
  std::ranges::sort(all_names_);
  for (const std::string& name : wanted_names_) {
    const std::filesystem::path file = path / (name + ".npy"), sidecar = path / (name + ".dtype");
    if (!is_there(file)) continue;
    std::string dtype;
    if (is_there(sidecar)) {
      const InputFile text(sidecar);
      const std::span beginning = text.bytes().first(std::min<std::size_t>(text.bytes().size(), 16));
      text.load(beginning);
      dtype.assign(reinterpret_cast<const char*>(beginning.data()), beginning.size());
    }
    files_.push_back(open_header(file));
    try {
      place(tensors_.emplace(name, parse_npy(files_.back()->bytes(), dtype)).first->second, *files_.back());
    } catch (const Failure& failure) {
      throw Failure(fmt::format("{}: {}", file.string(), failure.what()));
    }
  }
}

void TensorFile::take(std::span<const std::string_view> tensors, const std::filesystem::path& other) {
  TensorFile from(other, tensors);
  for (const std::string_view name : tensors) {
    const FileTensor* const tensor = from.find(name);
    if (tensor == nullptr) {
      throw Failure(
          fmt::format("{}: tensor {} is missing; there are {}", from.name(), name, list_names(from.all_names())));
    }
    tensors_.insert_or_assign(names_.in_file(name), *tensor);
  }
  // Where they are moved to, the tensors' bytes stay where they are.
  std::ranges::move(from.files_, std::back_inserter(files_));
  std::ranges::move(from.parts_, std::back_inserter(parts_));
}

const FileTensor* TensorFile::find(std::string_view wanted) const {
  const auto it = tensors_.find(names_.in_file(wanted));
  return it == tensors_.end() ? nullptr : &it->second;
}

std::vector<std::string> TensorFile::unused_names() const {
  std::vector<std::string> unused;
  std::ranges::copy_if(all_names_, std::back_inserter(unused), [this](const std::string& name) {
    return std::ranges::find(wanted_names_, name) == wanted_names_.end();
  });
  return unused;
}

bool TensorFile::reads(const std::filesystem::path& file) const {
  return std::ranges::any_of(files_, [&](const auto& each) { return each->is(file); });
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
