#include "tensor_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "npy.h"
#include "safetensors.h"

namespace alng::cli {
namespace {

// Whether the name itself is there. What can't be told is a failure, and so is a link that leads nowhere.
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

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  struct stat status {};
  // Asked before opening: opening a pipe would wait for its other end.
  if (::stat(path.c_str(), &status) != 0) {
    throw Failure(fmt::format("can't read {}: {}", path.string(), std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) throw Failure(fmt::format("can't read {}: not a regular file", path.string()));
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) {
    const int error = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw Failure(fmt::format("can't read {}: {}", path.string(), std::strerror(error)));
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return;
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor_, 0);
  if (address == MAP_FAILED) {
    const int error = errno;
    ::close(descriptor_);
    throw Failure(fmt::format("can't map {} into memory: {}", path.string(), std::strerror(error)));
  }
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  ::close(descriptor_);
}

void MappedFile::read(std::span<const std::byte> part, std::byte* to) const {
  auto offset = static_cast<off_t>(part.data() - bytes_.data());
  for (std::size_t left = part.size(); left > 0;) {
    const ssize_t count = ::pread(descriptor_, to, left, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      throw Failure(fmt::format("can't read {}: {}", path_.string(), count < 0 ? std::strerror(errno) : "it was cut"));
    }
    to += count;
    offset += count;
    left -= static_cast<std::size_t>(count);
  }
}

TensorFile::TensorFile(const std::filesystem::path& path, std::span<const std::string_view> wanted, TensorNames names)
    : name_(path.string()), names_(std::move(names)) {
  for (const std::string_view name : wanted) wanted_names_.push_back(names_.in_file(name));
  struct stat status {};
  // Where that fails, the attempt to read the path as a file says why.
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    read_folder(path);
    return;
  }
  files_.push_back(std::make_unique<MappedFile>(path));
  try {
    tensors_ = parse_safetensors(files_.back()->bytes());
  } catch (const Failure& failure) {
    throw Failure(fmt::format("{}: {}", name_, failure.what()));
  }
  for (auto& [name, tensor] : tensors_) {
    all_names_.push_back(name);
    if (std::ranges::find(wanted_names_, name) != wanted_names_.end()) align(tensor, *files_.back());
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
      const MappedFile text(sidecar);
      dtype.assign(reinterpret_cast<const char*>(text.bytes().data()), std::min<std::size_t>(text.bytes().size(), 16));
    }
    files_.push_back(std::make_unique<MappedFile>(file));
    try {
      align(tensors_.emplace(name, parse_npy(files_.back()->bytes(), dtype)).first->second, *files_.back());
    } catch (const Failure& failure) {
      throw Failure(fmt::format("{}: {}", file.string(), failure.what()));
    }
  }
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

// The library wants elements at addresses their type can have. Files written by the usual libraries have that, and are
// used where they lie; one whose header has an odd length is read into memory instead.
void TensorFile::align(FileTensor& tensor, const MappedFile& file) {
  if (!tensor.dtype || tensor.data.empty()) return;
  if (reinterpret_cast<std::uintptr_t>(tensor.data.data()) % dtype_size(*tensor.dtype) == 0) return;
  auto copy = std::make_unique_for_overwrite<std::byte[]>(tensor.data.size());
  file.read(tensor.data, copy.get());
  tensor.data = {copy.get(), tensor.data.size()};
  copies_.push_back(std::move(copy));
}

}  // namespace alng::cli
