// Any bytes as a .npy file, with and without a sidecar: either a sentence, or an array of
// the rest of the file.
#include <cstdint>
#include <cstring>
#include <span>

#include "check.h"
#include "files/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alng::cli;
  const auto file = std::as_bytes(std::span(data, size));
  for (const char* sidecar : {"", "bfloat16\n"}) {
    try {
      const FileTensor tensor = parse_npy(file, sidecar);
      ALNG_FUZZ_CHECK(!describe(tensor).empty());
      if (tensor.dtype) {
        const auto bytes = byte_size(tensor.shape, static_cast<std::int64_t>(8 * alng::dtype_size(*tensor.dtype)));
        ALNG_FUZZ_CHECK(bytes && static_cast<std::size_t>(*bytes) == tensor.data.size());
      }
      ALNG_FUZZ_CHECK(tensor.data.data() >= file.data() + 10);
      ALNG_FUZZ_CHECK(tensor.data.data() + tensor.data.size() == file.data() + file.size());
    } catch (const Failure& failure) {
      ALNG_FUZZ_CHECK(std::strlen(failure.what()) > 0 && std::strlen(failure.what()) < 1000);
      ALNG_FUZZ_CHECK(std::strchr(failure.what(), '\n') == nullptr);
    }
  }
  return 0;
}
