// Results on their way to a .safetensors file or a folder of .npy files: all of them, or none.
#ifndef ALNG_TOOLS_OUTPUT_FILE_H
#define ALNG_TOOLS_OUTPUT_FILE_H

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "alng/tensor.hpp"
#include "files/unfinished_file.h"
#include "terminal/failure.h"

namespace alng::cli {

struct OutputTensor {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
};

/// Tensors are written to unfinished files beside their destination, which `commit` then gives their names. Whatever
/// fails or ends the program before, no file is left and older ones are untouched. A file that is replaced keeps its
/// mode; where a link points is written, the link stays. The files' bytes depend on names, dtypes, shapes and data
/// alone.
class OutputFile {
 public:
  /// A path that ends in .safetensors is one file; a folder, or a path without an extension, a folder of NAME.npy, made
  /// by `commit` where missing. Throws `Failure` where the place can't be written.
  OutputFile(const std::filesystem::path& path, std::vector<OutputTensor> tensors);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Writes bytes of the tensor at this place in the list, from `offset` bytes behind the tensor's begin on.
  void write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes);
  /// Nothing more is written: waits until all bytes are on the disk. A report that is printed between this and `commit`
  /// is about files of which only the names can still fail, and where it can't be printed, nothing is replaced.
  void finish();
  /// Gives the files their names, all or none: where one is refused, the older files get theirs back. Two programs that
  /// do this to one folder take turns, where the file system has locks. A SIGKILL or a power cut between two names of
  /// a folder is the one thing that leaves it half done.
  void commit();

 private:
  struct File {
    std::filesystem::path name;  // as the caller knows it
    std::filesystem::path path;  // where it really lies, behind links
    UnfinishedFile data;
    std::filesystem::path aside;                   // a name for the older file, where names can't be exchanged
    const std::filesystem::path* older = nullptr;  // where the older file is during `commit`
    bool named = false;
  };
  struct Place {
    std::size_t file;
    std::int64_t begin;
  };

  std::size_t create(const std::filesystem::path& name, const std::string& prologue, std::int64_t size);
  void write_all(const File& file, std::int64_t offset, std::span<const std::byte> bytes);
  static void take_name(File& file, bool last);
  static bool give_back(File& file) noexcept;

  std::vector<File> files_;
  std::vector<Place> places_;
  std::filesystem::path folder_;  // of .npy files, behind links; empty for a .safetensors file
  bool new_folder_ = false;
};

}  // namespace alng::cli

#endif
