// The products the twin stands for, as numbers.
#ifndef ALNG_ASCEND_TWIN_MACHINE_PRODUCT_H
#define ALNG_ASCEND_TWIN_MACHINE_PRODUCT_H

#include <cstdint>
#include <span>
#include <string_view>

namespace alng::twin {

struct Product {
  /// What `ascend:` devices are called: "a2", "a3", "950pr", "950dt".
  const char* device;
  /// The SoC that stands for its family: "Ascend910B3". Others differ in cores and clock.
  const char* soc;
  /// "Atlas A2 (Ascend910B3)"
  const char* title;
  /// 2201 or 3510.
  int architecture;
  int cores;
  double gigahertz;
  /// What a kernel may allocate; beyond it lies what the compiler and the runtime keep for themselves.
  std::uint32_t ub_usable;
  /// Bytes per second of all cores together, between global memory and UB.
  double memory_bandwidth;
  /// The most one core moves in a cycle however few cores run.
  double core_bytes_per_cycle;
  /// Cycles of a DMA instruction before its first byte.
  double dma_issue;

  /// Bytes per cycle and core where `active` cores share the memory.
  double bytes_per_cycle(int active) const;
};

/// One product for each device, the representative of its family.
std::span<const Product> products();
/// By device name; null where there is none.
const Product* product_named(std::string_view device);

}  // namespace alng::twin

#endif
