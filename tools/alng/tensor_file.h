// Tensors as they lie in a file: a .safetensors file, or a folder of .npy files.
#ifndef ALNG_TOOLS_TENSOR_FILE_H
#define ALNG_TOOLS_TENSOR_FILE_H

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "alng/tensor.hpp"
#include "failure.h"
#include "input_file.h"

namespace alng::cli {

/// One tensor: what the file says about it, and its bytes inside the file's own.
struct FileTensor {
  /// The dtype in the file's spelling: "BF16", "<f4".
  std::string dtype_name;
  /// Absent: a dtype of the format that alng computes nothing with, such as I64.
  std::optional<DType> dtype;
  std::vector<std::int64_t> shape;
  /// The first index runs fastest (numpy's fortran_order).
  bool column_major = false;
  /// Exactly the product of the shape times the element's size; of any alignment.
  std::span<const std::byte> data;
};

using TensorMap = std::map<std::string, FileTensor, std::less<>>;

/// `"BF16[64, 128, 768]"`, for sentences.
std::string describe(const FileTensor& tensor);

/// The number of bytes a tensor of this shape has, or nothing where that (or the number of elements, zeros not counted)
/// leaves 63 bits.
std::optional<std::int64_t> byte_size(std::span<const std::int64_t> shape, std::int64_t element_bits);

/// All tensors of a file, or those of `names` that a folder has a NAME.npy of.
class TensorFile {
 public:
  TensorFile(const std::filesystem::path& path, std::span<const std::string_view> names);

  /// Reads the bytes of the tensors in `names`, and of no other. Before, only what the headers say is known; their
  /// `data` has its place but must not be touched.
  void load() const;

  const FileTensor* find(std::string_view name) const;
  const TensorMap& tensors() const { return tensors_; }
  /// The file or folder, as the caller named it.
  const std::string& name() const { return name_; }

 private:
  // What `load` reads: a part of a file, to where that has its place, or to a copy.
  struct Part {
    const InputFile* file;
    std::span<const std::byte> bytes;
    std::unique_ptr<std::byte[]> copy;
  };

  void place(FileTensor& tensor, const InputFile& file);

  std::string name_;
  std::vector<std::unique_ptr<InputFile>> files_;
  std::vector<Part> parts_;
  TensorMap tensors_;
};

}  // namespace alng::cli

#endif
