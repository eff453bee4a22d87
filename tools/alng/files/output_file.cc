#include "files/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>

#include "files/npy.h"
#include "files/safetensors.h"
#include "files/tensor_file.h"

namespace alng::cli {
namespace {

[[noreturn]] void fail(const std::filesystem::path& name, int error) {
  throw Failure(fmt::format("can't write {}: {}", name.string(), std::strerror(error)));
}

// The file that a name stands for, whether it exists or not: a link stays a link, and its target is written.
std::filesystem::path behind_links(const std::filesystem::path& name) {
  std::filesystem::path path = name;
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(std::filesystem::symlink_status(path, error)); ++links) {
    if (links == 40) fail(name, ELOOP);  // as many as Linux follows
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) fail(name, error.value());
    path = path.parent_path() / target;  // an absolute target replaces what is before it
  }
  return path;
}

// Alone in a folder while this lives. Where that can't be had, by a file system without locks or a folder that may be
// written but not read, it does without.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder)
      : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (descriptor_ < 0) return;
    while (::flock(descriptor_, LOCK_EX) != 0 && errno == EINTR) {
      if (EndingHeld::asked()) fail(folder, EINTR);
    }
  }
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_;
};

// The mode of a file that is replaced, and its owner where the system allows that.
void keep_mode(int descriptor, const struct stat& older) {
  mode_t mode = older.st_mode & 07777;
  if (::fchown(descriptor, older.st_uid, older.st_gid) != 0 &&
      ::fchown(descriptor, static_cast<uid_t>(-1), older.st_gid) != 0) {
    mode &= ~static_cast<mode_t>(S_IRWXG | S_ISUID | S_ISGID);  // what another group was allowed, ours was not
  }
  // Where a file system has no modes the file stays its owner's alone.
  static_cast<void>(::fchmod(descriptor, mode));
}

}  // namespace

OutputFile::OutputFile(const std::filesystem::path& path, std::vector<OutputTensor> tensors) {
  std::error_code error;
  std::vector<std::int64_t> sizes;
  for (const OutputTensor& tensor : tensors) {
    const auto size = byte_size(tensor.shape, static_cast<std::int64_t>(8 * dtype_size(tensor.dtype)));
    if (!size) throw Failure(fmt::format("tensor {} is too large for a file", tensor.name));
    sizes.push_back(*size);
  }
  places_.resize(tensors.size());
  files_.reserve(tensors.size());
  const auto status = std::filesystem::status(path, error);
  const bool is_folder = std::filesystem::is_directory(status);
  if (std::filesystem::exists(status) && !is_folder && !std::filesystem::is_regular_file(status)) {
    throw Failure(fmt::format("can't write {}: neither a regular file nor a folder", path.string()));
  }
  if (!is_folder && path.filename() == ".safetensors") {
    throw Failure(fmt::format("can't write '{}': a name must stand before .safetensors", path.string()));
  }
  if (!is_folder && path.extension() != ".safetensors" &&
      (path.has_extension() || std::filesystem::exists(status) || path.empty())) {
    throw Failure(
        fmt::format("can't write '{}': the name must end in .safetensors or be that of a folder", path.string()));
  }
  if (!is_folder && path.extension() == ".safetensors") {
    // Wide elements first: every tensor then begins where its elements may lie, without holes, which the format
    // forbids.
    std::vector<std::size_t> order(tensors.size());
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, std::ranges::greater(),
                             [&](std::size_t i) { return dtype_size(tensors[i].dtype); });
    std::vector<SafetensorsEntry> entries;
    std::int64_t end = 0;
    for (const std::size_t i : order) {
      const std::int64_t begin = end;
      if (__builtin_add_overflow(begin, sizes[i], &end)) throw Failure("the tensors are too large for a file");
      entries.push_back({tensors[i].name, tensors[i].dtype, tensors[i].shape, begin, end});
    }
    const std::string prologue = safetensors_prologue(entries);
    const std::size_t file = create(path, prologue, end);
    for (std::size_t k = 0; k < order.size(); ++k) {
      places_[order[k]] = {file, static_cast<std::int64_t>(prologue.size()) + entries[k].begin};
    }
    return;
  }
  // Without a slash at its end a folder's parent is that of the name.
  folder_ = behind_links(path.has_filename() ? path : path.parent_path());
  new_folder_ = !is_folder;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string prologue = npy_prologue(tensors[i].dtype, tensors[i].shape);
    places_[i] = {create(path / (tensors[i].name + ".npy"), prologue, sizes[i]),
                  static_cast<std::int64_t>(prologue.size())};
  }
}

std::size_t OutputFile::create(const std::filesystem::path& name, const std::string& prologue, std::int64_t size) {
  const std::filesystem::path path = new_folder_ ? folder_ / name.filename() : behind_links(name);
  struct stat older {};
  const bool replaces = !new_folder_ && ::lstat(path.c_str(), &older) == 0;
  if (!new_folder_ && !replaces && errno != ENOENT) fail(name, errno);
  if (replaces && S_ISDIR(older.st_mode)) fail(name, EISDIR);
  if (replaces && !S_ISREG(older.st_mode)) {
    throw Failure(fmt::format("can't write {}: not a regular file", name.string()));
  }
  // A folder that is yet to be made can't hold the unfinished files; what it will lie in can.
  const std::filesystem::path place = new_folder_ ? folder_.parent_path() : path.parent_path();
  try {
    UnfinishedFile data(place, replaces ? 0600 : 0666);
    files_.push_back({name, path, std::move(data), {}});
  } catch (const std::system_error& error) {
    fail(new_folder_ ? name.parent_path() : name, error.code().value());
  }
  File& file = files_.back();
  file.aside = file.data.path();
  file.aside.replace_extension(".replaced");
  const int descriptor = file.data.descriptor();
  if (replaces) keep_mode(descriptor, older);
  // Reserved now, so that a full disk fails before the work, not after it. Not every file system supports this.
  const std::int64_t total = static_cast<std::int64_t>(prologue.size()) + size;
  while (::fallocate(descriptor, 0, 0, total) != 0) {
    if (errno == EINTR) continue;
    if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) fail(name, errno);
    if (::ftruncate(descriptor, total) != 0) fail(name, errno);
    break;
  }
  write_all(file, 0, std::as_bytes(std::span(prologue)));
  return files_.size() - 1;
}

void OutputFile::write_all(const File& file, std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file.data.descriptor(), bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(file.name, count < 0 ? errno : ENOSPC);
    offset += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void OutputFile::write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes) {
  const Place& place = places_[tensor];
  write_all(files_[place.file], place.begin + offset, bytes);
}

void OutputFile::finish() {
  for (File& file : files_) {
    try {
      file.data.finish();
    } catch (const std::system_error& error) {
      fail(file.name, error.code().value());
    }
  }
}

void OutputFile::commit() {
  const EndingHeld hold;
  const bool made = new_folder_ && ::mkdir(folder_.c_str(), 0777) == 0;
  // Another program may have made it in the meantime.
  if (const int error = errno; new_folder_ && !made && error != EEXIST) fail(files_[0].name.parent_path(), error);
  std::optional<FolderLock> lock;
  try {
    lock.emplace(folder_);
    for (File& file : files_) take_name(file, &file == &files_.back());
  } catch (const std::exception& error) {
    std::string lost;
    for (File& file : files_) {
      if (give_back(file)) continue;
      const std::string name = file.name.string();
      lost += file.older == nullptr ? fmt::format("; the new {} can't be removed", name)
                                    : fmt::format("; the older {} is now {}", name, file.older->string());
    }
    if (made) ::rmdir(folder_.c_str());
    if (lost.empty()) throw;
    throw Failure(error.what() + lost);
  }
  for (File& file : files_) {
    if (file.older != nullptr) ::unlink(file.older->c_str());
    file.data.release();
  }
}

// The last name is taken without keeping its older file: no step after it can fail.
void OutputFile::take_name(File& file, bool last) {
  const char* const path = file.path.c_str();
  const std::filesystem::path& data = file.data.path();
  struct stat status {};
  if (::lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) fail(file.name, EISDIR);
  if (!last) {
    if (::renameat2(AT_FDCWD, data.c_str(), AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
      file.older = &data;
      file.named = true;
      return;
    }
    // Network file systems can't exchange names.
    if (errno == EINVAL || errno == ENOSYS) {
      if (::rename(path, file.aside.c_str()) == 0) {
        file.older = &file.aside;
      } else if (errno != ENOENT) {
        fail(file.name, errno);
      }
    } else if (errno != ENOENT) {
      fail(file.name, errno);
    }
  }
  file.named = ::rename(data.c_str(), path) == 0;
  if (!file.named) fail(file.name, errno);
}

// Undoes `take_name`, however far it got. False where the older file could not have its name back.
bool OutputFile::give_back(File& file) noexcept {
  if (file.older == nullptr) return !file.named || ::unlink(file.path.c_str()) == 0;
  if (::rename(file.older->c_str(), file.path.c_str()) == 0) return true;
  file.data.release();
  return false;
}

}  // namespace alng::cli
