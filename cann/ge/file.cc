#include "ge/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "ge/message.h"

namespace alng::cann::engine {
namespace {

// The file that a name stands for, whether it exists or not.
std::string behind_links(std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; links < 40 && std::filesystem::is_symlink(std::filesystem::symlink_status(path, error));
       ++links) {
    path = path.parent_path() / std::filesystem::read_symlink(path, error);
  }
  return path;
}

// A file beside the one to be made, gone at the end unless it has become that one.
class Draft {
 public:
  explicit Draft(const std::string& name) : target_(behind_links(name)) {
    struct stat before;
    // Devices and pipes are written as they are.
    if (lstat(target_.c_str(), &before) == 0 && !S_ISREG(before.st_mode)) {
      descriptor_ = open(target_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
      return;
    }
    const bool replaces = access(target_.c_str(), F_OK) == 0;
    if (replaces && access(target_.c_str(), W_OK) != 0) return;
    name_ = target_.substr(0, target_.rfind('/') + 1) + ".graph-XXXXXX";
    descriptor_ = mkostemp(name_.data(), O_CLOEXEC);
    if (descriptor_ < 0) {
      name_.clear();
      return;
    }
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(descriptor_, replaces ? before.st_mode & 07777 : 0666 & ~mask) != 0) fail();
    // One block now: a full disk has not even that. Not every file system can tell.
    if (const int error = posix_fallocate(descriptor_, 0, 1); error == ENOSPC || error == EDQUOT || error == EFBIG) {
      errno = error;
      fail();
    }
  }
  ~Draft() {
    const int error = errno;
    if (descriptor_ >= 0) close(descriptor_);
    if (!name_.empty()) unlink(name_.c_str());
    errno = error;
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  bool is_open() const { return descriptor_ >= 0; }

  bool write_all(const std::string& contents) {
    for (std::size_t at = 0; at < contents.size();) {
      const ssize_t written = write(descriptor_, contents.data() + at, contents.size() - at);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      at += static_cast<std::size_t>(written);
    }
    if (!name_.empty() && ftruncate(descriptor_, static_cast<off_t>(contents.size())) != 0) return false;
    const int descriptor = std::exchange(descriptor_, -1);
    return close(descriptor) == 0;  // a full disk may show at the end only
  }

  // Takes its place. A Draft that is written as it is has it already.
  bool take_place() {
    if (name_.empty()) return true;
    if (rename(name_.c_str(), target_.c_str()) != 0) return false;
    name_.clear();
    return true;
  }

 private:
  void fail() {
    const int error = errno;
    close(std::exchange(descriptor_, -1));
    errno = error;
  }

  std::string target_;
  std::string name_;
  int descriptor_ = -1;
};

}  // namespace

Status write_files(std::span<const std::string> names, const std::function<std::vector<std::string>()>& contents) {
  std::vector<std::unique_ptr<Draft>> drafts;
  const auto failed = [&](std::size_t i) {
    return refused("can't write " + quoted(names[i]) + ": " + std::strerror(errno));
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    drafts.push_back(std::make_unique<Draft>(names[i]));
    if (!drafts[i]->is_open()) return failed(i);
  }
  const std::vector<std::string> all = contents();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!drafts[i]->write_all(all[i])) return failed(i);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!drafts[i]->take_place()) return failed(i);
  }
  return {};
}

}  // namespace alng::cann::engine
