// Results on their way to a .safetensors file or a folder of .npy files: complete, or not there at all.
#ifndef ALNG_TOOLS_OUTPUT_FILE_H
#define ALNG_TOOLS_OUTPUT_FILE_H

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "alng/tensor.hpp"
#include "failure.h"

namespace alng::cli {

struct OutputTensor {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
};

/// Tensors are written under temporary names beside their destination and renamed by `commit`. Whatever ends the
/// program before (an error, Ctrl-C, SIGTERM) removes them. The files' bytes depend on names, dtypes, shapes and data
/// alone.
class OutputFile {
 public:
  /// A path that ends in .safetensors is one file; a folder, or a path without an extension, a folder of NAME.npy, made
  /// where missing. Throws `Failure` where the place can't be written.
  OutputFile(const std::filesystem::path& path, std::vector<OutputTensor> tensors);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Writes bytes of the tensor at this place in the list, from `offset` bytes behind the tensor's begin on.
  void write(std::size_t tensor, std::int64_t offset, std::span<const std::byte> bytes);
  /// Gives the files their names. All bytes must have been written.
  void commit();

 private:
  struct File {
    std::filesystem::path path;
    std::filesystem::path temporary;
    int descriptor = -1;
    int slot = -1;
  };
  struct Place {
    std::size_t file;
    std::int64_t begin;
  };

  std::size_t create(const std::filesystem::path& path, const std::string& prologue, std::int64_t size);
  void remove() noexcept;

  std::vector<File> files_;
  std::vector<Place> places_;
  std::filesystem::path made_folder_;
};

}  // namespace alng::cli

#endif
