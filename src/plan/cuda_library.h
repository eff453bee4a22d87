// What libalng and libalng_cuda.so, which is loaded when somebody asks for a GPU, must agree on beside plan/backend.h.
#ifndef ALNG_PLAN_CUDA_LIBRARY_H
#define ALNG_PLAN_CUDA_LIBRARY_H

#include <cstdint>

#include "plan/backend.h"

namespace alng::impl {

/// The first two members stay what they are, so that any libalng can tell whether any libalng_cuda.so is of its own
/// kind.
struct CudaLibrary {
  std::int32_t interface;
  const char* version;
  const Backend* backend;
};

}  // namespace alng::impl

/// All that libalng_cuda.so exports, beside a static libalng, too.
extern "C" [[gnu::visibility("default")]] const alng::impl::CudaLibrary alng_internal_cuda_library;

#endif
