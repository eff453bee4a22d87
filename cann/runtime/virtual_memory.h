// Addresses without memory, memory without addresses, and how the two come together.
#ifndef ALNG_CANN_RUNTIME_VIRTUAL_MEMORY_H
#define ALNG_CANN_RUNTIME_VIRTUAL_MEMORY_H

namespace alng::cann {

/// Forgets all of aclrtMallocPhysical on a device; what is mapped goes with its mapping.
void release_physical(int device);

}  // namespace alng::cann

#endif
