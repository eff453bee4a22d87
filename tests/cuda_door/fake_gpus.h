// What fake_kernels.cc has to know of the GPU that a kernel runs on.
#ifndef ALNG_TESTS_FAKE_GPUS_H
#define ALNG_TESTS_FAKE_GPUS_H

#include <cstddef>
#include <cstdint>

namespace alng::test {

/// What Kernel::function is here. False: it touched memory that is not the GPU's.
using FakeKernel = bool (*)(int gpu, const void* parameters);

/// Whether all of these bytes are in one allocation on this GPU. Called by kernels alone.
bool is_of_gpu(int gpu, std::uintptr_t begin, std::uintptr_t end);

}  // namespace alng::test

#endif
