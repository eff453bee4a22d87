// Memory for elements: on a multiple of 64 bytes, so that no vector of a kernel crosses a line of the caches.
#ifndef ALNG_CANN_GE_ALIGNED_MEMORY_H
#define ALNG_CANN_GE_ALIGNED_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace alng::cann::engine {

inline constexpr std::size_t element_alignment = 64;

struct AlignedDelete {
  void operator()(std::uint8_t* memory) const { ::operator delete(memory, std::align_val_t(element_alignment)); }
};
using AlignedMemory = std::unique_ptr<std::uint8_t, AlignedDelete>;

/// Throws std::bad_alloc. Null for no bytes.
inline AlignedMemory allocate_aligned(std::size_t size) {
  if (size == 0) return nullptr;
  return AlignedMemory(static_cast<std::uint8_t*>(::operator new(size, std::align_val_t(element_alignment))));
}

}  // namespace alng::cann::engine

#endif
