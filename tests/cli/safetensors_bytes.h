#ifndef ALNG_TESTS_CLI_SAFETENSORS_BYTES_H
#define ALNG_TESTS_CLI_SAFETENSORS_BYTES_H

#include <string>

namespace alng::cli {

/// A safetensors file: the header's length, the header, the data.
inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return file + header + data;
}

}  // namespace alng::cli

#endif
