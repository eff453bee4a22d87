// A libalng_cuda.so of another alng.
#include <cstdint>

extern "C" [[gnu::visibility("default")]] const struct {
  std::int32_t interface;
  const char* version;
} alng_internal_cuda_library = {999, "0.0.9"};
