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
#include "files/input_file.h"
#include "files/tensor_names.h"
#include "terminal/failure.h"

namespace alng::cli {

/// One tensor: what the file says about it, and its bytes inside the file's own.
struct FileTensor {
  /// The dtype in the file's spelling: "BF16", "<f4".
  std::string dtype_name;
  /// Absent: a dtype that alng does not compute with, such as I64.
  std::optional<DType> dtype;
  /// An extent from 2^63 on (the format allows it beside a 0) is negative here; no problem takes it.
  std::vector<std::int64_t> shape;
  /// The first index runs fastest (numpy's fortran_order).
  bool column_major = false;
  /// Where there is a dtype, exactly the product of the shape times the element's size; of any alignment.
  std::span<const std::byte> data;
};

using TensorMap = std::map<std::string, FileTensor, std::less<>>;

/// `"BF16[64, 128, 768]"`, for sentences.
std::string describe(const FileTensor& tensor);

/// The number of bytes a tensor of this shape has, or nothing where that (or the number of elements, zeros not counted)
/// leaves 63 bits.
std::optional<std::int64_t> byte_size(std::span<const std::int64_t> shape, std::int64_t element_bits);

/// Tensors of a file, or of a folder of .npy files. One that is there but can't be read is a failure, never absent.
class TensorFile {
 public:
  /// Reads those of `wanted` that are there, under the names that `names` gives them.
  TensorFile(const std::filesystem::path& path, std::span<const std::string_view> wanted, TensorNames names = {});

  /// Takes these of the tensors wanted from another file, under their own names, instead. Throws `Failure` where one is
  /// not there.
  void take(std::span<const std::string_view> tensors, const std::filesystem::path& other);

  /// Reads the bytes of the tensors wanted, and of no other. Before, only what the headers say is known; their `data`
  /// has its place but must not be touched.
  void load() const;

  /// One of those wanted, by its own name.
  const FileTensor* find(std::string_view wanted) const;
  const TensorMap& tensors() const { return tensors_; }
  const TensorNames& names() const { return names_; }
  /// All that is there, wanted or not, in order.
  const std::vector<std::string>& all_names() const { return all_names_; }
  /// What is there and not wanted.
  std::vector<std::string> unused_names() const;
  /// Whether a tensor wanted, or one that `take` replaced, is in the file of this name, links followed.
  bool reads(const std::filesystem::path& file) const;
  /// The file or folder, as the caller named it.
  const std::string& name() const { return name_; }

 private:
  // What `load` reads: a part of a file, to where that has its place, or to a copy.
  struct Part {
    const InputFile* file;
    std::span<const std::byte> bytes;
    std::unique_ptr<std::byte[]> copy;
  };

  void read_folder(const std::filesystem::path& path);
  void place(FileTensor& tensor, const InputFile& file);

  std::string name_;
  TensorNames names_;
  /// In the file.
  std::vector<std::string> wanted_names_, all_names_;
  std::vector<std::unique_ptr<InputFile>> files_;
  std::vector<Part> parts_;
  TensorMap tensors_;
};

}  // namespace alng::cli

#endif
