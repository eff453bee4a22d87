// The .safetensors format: 8 bytes of little-endian header length, a JSON header, the data.
#ifndef ALNG_TOOLS_SAFETENSORS_H
#define ALNG_TOOLS_SAFETENSORS_H

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "files/tensor_file.h"

namespace alng::cli {

/// The longest header that is read, as in the format's own library; one tensor takes about 100 bytes.
inline constexpr std::uint64_t max_safetensors_header = 100'000'000;

/// Reads the header and checks everything it claims against the bytes that are there; the data is not touched. Accepts
/// exactly the files that the format's own library does (tests/cli/safetensors_reader.py). Memory used is of the order
/// of the header's length. Throws `Failure` with a sentence that does not name the file.
TensorMap parse_safetensors(std::span<const std::byte> file);

struct SafetensorsEntry {
  std::string name;
  DType dtype;
  std::span<const std::int64_t> shape;
  std::int64_t begin;
  std::int64_t end;
};

/// The first bytes of a file, up to where data begins: a multiple of 64, so that a mapped file's rows lie on cache
/// lines where their length allows it (the format asks for 8). Equal entries give equal bytes.
std::string safetensors_prologue(std::span<const SafetensorsEntry> entries);

}  // namespace alng::cli

#endif
