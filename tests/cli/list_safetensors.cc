// Reads .safetensors files from stdin, each behind its length (8 bytes, little-endian), and prints a line of JSON for
// each: the tensors (name: dtype, shape, data in hexadecimal), or {"refused": sentence}. For safetensors_reader.py.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "files/safetensors.h"

int main() {
  using namespace alng::cli;
  std::uint64_t length = 0;
  while (std::fread(&length, sizeof length, 1, stdin) == 1) {
    std::vector<char> file(length);
    if (std::fread(file.data(), 1, length, stdin) != length) return 1;
    nlohmann::json line;
    try {
      line["tensors"] = nlohmann::json::object();
      for (const auto& [name, tensor] : parse_safetensors(std::as_bytes(std::span(file)))) {
        std::string data;
        for (const std::byte byte : tensor.data) data += fmt::format("{:02x}", std::to_integer<int>(byte));
        const std::vector<std::uint64_t> shape(tensor.shape.begin(), tensor.shape.end());
        line["tensors"][name] = {tensor.dtype_name, shape, data};
      }
    } catch (const Failure& failure) {
      line = {{"refused", failure.what()}};
    }
    std::puts(line.dump().c_str());
  }
  return 0;
}
