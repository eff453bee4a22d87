#include "files/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace alng::cli {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* reason) {
  throw Failure(fmt::format("can't read {}: {}", path.string(), reason));
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path) : path_(path) {
  struct stat status {};
  // Asked before opening: opening a pipe would wait for its other end.
  if (::stat(path.c_str(), &status) != 0) fail(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(path, "not a regular file");
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) fail(path, std::strerror(errno));
  // Reserves addresses; pages get memory when they are written.
  void* address = MAP_FAILED;
  std::size_t size = 0;
  if (::fstat(descriptor_, &status) == 0) {
    size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return;
    address = ::mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (address == MAP_FAILED) {
    const int error = errno;
    ::close(descriptor_);
    fail(path, std::strerror(error));
  }
  bytes_ = {static_cast<const std::byte*>(address), size};
}

InputFile::~InputFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  ::close(descriptor_);
}

bool InputFile::is(const std::filesystem::path& path) const {
  struct stat own {
  }, other{};
  return ::fstat(descriptor_, &own) == 0 && ::stat(path.c_str(), &other) == 0 && own.st_dev == other.st_dev &&
         own.st_ino == other.st_ino;
}

void InputFile::load(std::span<const std::byte> part, const std::function<void(std::int64_t)>& advance) const {
  if (part.empty()) return;
  auto* const to = const_cast<std::byte*>(part.data());
  const std::size_t before = reinterpret_cast<std::uintptr_t>(to) % static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (::mprotect(to - before, before + part.size(), PROT_READ | PROT_WRITE) != 0) fail(path_, std::strerror(errno));
  read(part, to, advance);
}

void InputFile::read(std::span<const std::byte> part, std::byte* to,
                     const std::function<void(std::int64_t)>& advance) const {
  constexpr std::size_t piece = 64 << 20;
  auto offset = static_cast<off_t>(part.data() - bytes_.data());
  for (std::size_t left = part.size(); left > 0;) {
    const ssize_t count = ::pread(descriptor_, to, std::min(left, piece), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_, std::strerror(errno));
    if (count == 0) fail(path_, "it was cut while it was read");
    to += count;
    offset += count;
    left -= static_cast<std::size_t>(count);
    if (advance) advance(count);
  }
}

}  // namespace alng::cli
