// One DMA instruction between global memory and UB, in bytes.
#ifndef ALNG_ASCEND_TWIN_MACHINE_DMA_H
#define ALNG_ASCEND_TWIN_MACHINE_DMA_H

#include <cstddef>
#include <cstdint>

#include "machine/core.h"

namespace alng::twin {

enum class AtomicType : std::uint8_t { none, float32, int32 };

struct Dma {
  std::uint32_t ub = 0;
  Core::Region region{0, 0};
  std::byte* global = nullptr;
  std::uint32_t element = 4;
  AtomicType atomic = AtomicType::none;
  const char* name = "";

  std::uint64_t blocks = 0;
  std::uint64_t length = 0;     // of a block
  std::int64_t global_gap = 0;  // between blocks, in bytes
  std::int64_t ub_gap = 0;      // in 32-byte blocks
  /// Whether lengths must be whole 32-byte blocks (DataCopy).
  bool whole_blocks = false;
  bool compact = false;
  bool pad = false;
  std::uint32_t left = 0, right = 0;  // in elements
  std::uint64_t pad_value = 0;

  void set_blocks(std::uint64_t count, std::uint64_t length_blocks, std::int64_t global_gap_blocks, std::int64_t gap) {
    blocks = count;
    length = length_blocks * 32;
    global_gap = global_gap_blocks * 32;
    ub_gap = gap;
    whole_blocks = true;
  }
  void set_count(std::uint64_t bytes) {
    blocks = 1;
    length = bytes;
    whole_blocks = true;
  }
  void set_bytes(std::uint64_t count, std::uint64_t bytes, std::int64_t global_bytes, std::int64_t gap) {
    blocks = count;
    length = bytes;
    global_gap = global_bytes;
    ub_gap = gap;
  }
};

/// Global memory to UB, on MTE2.
void load(const Dma& dma, const Where& where);
/// UB to global memory, on MTE3; adds where the core is in atomic mode.
void store(const Dma& dma, const Where& where);

}  // namespace alng::twin

#endif
