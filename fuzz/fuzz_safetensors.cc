// Any bytes as a .safetensors file: either a sentence, or tensors that tile the data without gap or overlap.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "check.h"
#include "files/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alng::cli;
  const auto file = std::as_bytes(std::span(data, size));
  TensorMap tensors;
  try {
    tensors = parse_safetensors(file);
  } catch (const Failure& failure) {
    ALNG_FUZZ_CHECK(std::strlen(failure.what()) > 0 && std::strlen(failure.what()) < 1000);
    ALNG_FUZZ_CHECK(std::strchr(failure.what(), '\n') == nullptr);
    return 0;
  }
  std::vector<std::span<const std::byte>> parts;
  for (const auto& [name, tensor] : tensors) {
    ALNG_FUZZ_CHECK(!describe(tensor).empty());
    if (tensor.data.empty()) {  // whatever the other extents are
      ALNG_FUZZ_CHECK(std::ranges::find(tensor.shape, 0) != tensor.shape.end());
    } else if (tensor.dtype) {
      const auto bytes = byte_size(tensor.shape, static_cast<std::int64_t>(8 * alng::dtype_size(*tensor.dtype)));
      ALNG_FUZZ_CHECK(bytes && static_cast<std::size_t>(*bytes) == tensor.data.size());
    }
    if (!tensor.data.empty()) parts.push_back(tensor.data);
  }
  std::ranges::sort(parts, {}, [](const auto& part) { return part.data(); });
  const std::byte* end = parts.empty() ? file.data() + file.size() : parts.front().data();
  ALNG_FUZZ_CHECK(end >= file.data() + 8);
  for (const auto& part : parts) {
    ALNG_FUZZ_CHECK(part.data() == end);
    end += part.size();
  }
  ALNG_FUZZ_CHECK(end == file.data() + file.size());
  return 0;
}
