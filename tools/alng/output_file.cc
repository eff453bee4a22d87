#include "output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <numeric>
#include <utility>

#include "npy.h"
#include "safetensors.h"
#include "tensor_file.h"

namespace alng::cli {
namespace {

// The names of unfinished files, where a signal handler can reach them: fixed memory, no locks. 16 slots: a problem has
// 7 tensors, a result 3.
struct Slot {
  std::atomic<bool> used{false};
  char path[PATH_MAX];
};
std::array<Slot, 16> unfinished;

void remove_unfinished(int signal_number) {
  for (Slot& slot : unfinished) {
    if (slot.used.load()) ::unlink(slot.path);
  }
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void catch_signals() {
  static const bool done = [] {
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) {
      // A signal ignored by whoever started the program (nohup) stays ignored.
      if (std::signal(signal_number, remove_unfinished) == SIG_IGN) std::signal(signal_number, SIG_IGN);
    }
    return true;
  }();
  static_cast<void>(done);
}

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw Failure(fmt::format("can't write {}: {}", path.string(), std::strerror(error)));
}

void write_all(int descriptor, const std::filesystem::path& path, std::int64_t offset,
               std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor, bytes.data(), bytes.size(), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(path, count < 0 ? errno : ENOSPC);
    offset += count;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
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
  const auto status = std::filesystem::status(path, error);
  const bool is_folder = std::filesystem::is_directory(status);
  if (std::filesystem::exists(status) && !is_folder && !std::filesystem::is_regular_file(status)) {
    throw Failure(fmt::format("can't write {}: neither a regular file nor a folder", path.string()));
  }
  if (!is_folder && path.extension() != ".safetensors" &&
      (path.has_extension() || std::filesystem::exists(status) || path.empty())) {
    throw Failure(
        fmt::format("can't write '{}': the name must end in .safetensors or be that of a folder", path.string()));
  }
  catch_signals();
  try {
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
    } else {
      if (!is_folder) {
        if (!std::filesystem::create_directory(path, error)) {
          fail(path, error ? error.value() : EEXIST);
        }
        made_folder_ = path;
      }
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        const std::string prologue = npy_prologue(tensors[i].dtype, tensors[i].shape);
        places_[i] = {create(path / (tensors[i].name + ".npy"), prologue, sizes[i]),
                      static_cast<std::int64_t>(prologue.size())};
      }
    }
  } catch (...) {
    remove();
    throw;
  }
}

OutputFile::~OutputFile() { remove(); }

std::size_t OutputFile::create(const std::filesystem::path& path, const std::string& prologue, std::int64_t size) {
  File file;
  std::error_code error;
  // A link stays a link: what it points to is replaced.
  file.path = std::filesystem::is_symlink(path, error) ? std::filesystem::canonical(path, error) : path;
  if (file.path.empty()) file.path = path;
  file.temporary = file.path.parent_path() / fmt::format(".{}.{}.partial", file.path.filename().string(), ::getpid());
  const auto slot = std::ranges::find_if(unfinished, [](const Slot& s) { return !s.used.load(); });
  const std::string& name = file.temporary.native();
  if (slot == unfinished.end() || name.size() >= sizeof slot->path) fail(path, ENAMETOOLONG);
  file.descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file.descriptor < 0) fail(path, errno);
  std::memcpy(slot->path, name.c_str(), name.size() + 1);
  slot->used.store(true);
  file.slot = static_cast<int>(slot - unfinished.begin());
  files_.push_back(file);
  // Asked for at once, so that a full disk is known before the work and not after it. Not every file system can tell.
  const std::int64_t total = static_cast<std::int64_t>(prologue.size()) + size;
  if (::fallocate(file.descriptor, 0, 0, total) != 0) {
    if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) fail(path, errno);
    if (::ftruncate(file.descriptor, total) != 0) fail(path, errno);
  }
  write_all(file.descriptor, path, 0, std::as_bytes(std::span(prologue)));
  return files_.size() - 1;
}

void OutputFile::write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes) {
  const Place& place = places_[tensor];
  write_all(files_[place.file].descriptor, files_[place.file].path, place.begin + offset, bytes);
}

void OutputFile::commit() {
  // Closed first: a network file system may say only then that it has no room.
  for (File& file : files_) {
    const int descriptor = std::exchange(file.descriptor, -1);
    if (::close(descriptor) != 0) fail(file.path, errno);
  }
  for (const File& file : files_) {
    std::error_code error;
    std::filesystem::rename(file.temporary, file.path, error);
    if (error) fail(file.path, error.value());
    unfinished[static_cast<std::size_t>(file.slot)].used.store(false);
  }
  files_.clear();
  made_folder_.clear();
}

void OutputFile::remove() noexcept {
  for (const File& file : files_) {
    if (file.descriptor >= 0) ::close(file.descriptor);
    ::unlink(file.temporary.c_str());
    unfinished[static_cast<std::size_t>(file.slot)].used.store(false);
  }
  files_.clear();
  if (!made_folder_.empty()) ::rmdir(made_folder_.c_str());
}

}  // namespace alng::cli
