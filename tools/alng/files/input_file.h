// A file's bytes in memory of the program's own.
#ifndef ALNG_TOOLS_INPUT_FILE_H
#define ALNG_TOOLS_INPUT_FILE_H

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>

#include "terminal/failure.h"

namespace alng::cli {

/// A regular file. Where each byte will lie is known at once, but a part is in memory only after it was loaded.
///
/// Read, not mapped: where another program cuts a mapped file, its last page silently turns to zeros and the pages
/// behind it end the program. A read is short then, and refused.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Whether this name, links followed, is that of the file.
  bool is(const std::filesystem::path& path) const;
  /// The whole file's place. Only what was loaded may be touched.
  std::span<const std::byte> bytes() const { return bytes_; }
  /// Brings a part of `bytes()` into memory. `advance` is told of bytes as they come.
  void load(std::span<const std::byte> part, const std::function<void(std::int64_t)>& advance = {}) const;
  /// Reads a part of `bytes()` to another place.
  void read(std::span<const std::byte> part, std::byte* to,
            const std::function<void(std::int64_t)>& advance = {}) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::span<const std::byte> bytes_;
};

}  // namespace alng::cli

#endif
