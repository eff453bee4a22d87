// Files that have no final name yet, and what removes them whatever ends the program.
#ifndef ALNG_TOOLS_UNFINISHED_FILE_H
#define ALNG_TOOLS_UNFINISHED_FILE_H

#include <sys/types.h>

#include <filesystem>

namespace alng::cli {

/// While this lives, a signal that ends the program waits; afterwards it is raised again. For the steps that must be
/// done together or not at all. One at a time: it does not nest.
class EndingHeld {
 public:
  EndingHeld();
  ~EndingHeld();
  EndingHeld(const EndingHeld&) = delete;
  EndingHeld& operator=(const EndingHeld&) = delete;

  /// Whether a signal is waiting.
  static bool asked();
};

/// A new file, open for writing, under a name that no other file has. Unlinked by the destructor, by every signal that
/// ends the program and can be caught, and by `discard_unfinished_files`; what SIGKILL leaves does not hinder a later
/// run.
class UnfinishedFile {
 public:
  /// Made in `folder`. Throws `std::system_error`.
  UnfinishedFile(const std::filesystem::path& folder, mode_t mode);
  ~UnfinishedFile();
  UnfinishedFile(UnfinishedFile&& other) noexcept;
  UnfinishedFile& operator=(UnfinishedFile&&) = delete;

  int descriptor() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }
  /// Waits until the bytes are on the disk, and closes: a network file system may say only then that it has no room.
  /// Throws `std::system_error`.
  void finish();
  /// The file has its final name: nothing is unlinked any more.
  void release() noexcept;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  int slot_ = -1;
};

/// For a program that ends by itself and runs no destructors. False where another thread is ending it or delays the
/// end.
bool discard_unfinished_files() noexcept;

}  // namespace alng::cli

#endif
