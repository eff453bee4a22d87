#include "cuda/simt/global_memory.h"

#include <cstdint>
#include <cstring>

namespace alng::impl::cuda::simt {

void GlobalMemory::add(std::string name, void* begin, std::size_t bytes, Use use) {
  auto* first = static_cast<std::byte*>(begin);
  Range range{std::move(name), first, first + bytes, use, {}};
  if (use == Use::scratch) {
    std::memset(begin, 0xFF, bytes);
    range.written.resize((bytes + 3) / 4);
  }
  ranges_.push_back(std::move(range));
}

// Tensors may be interleaved, or one over the other: an access is right where some range allows it.
bool GlobalMemory::access(const void* p, std::size_t bytes, std::size_t align, bool writes, const Place& place) {
  const char* const what = writes ? "writes " : "reads ";
  const auto* first = static_cast<const std::byte*>(p);
  if (reinterpret_cast<std::uintptr_t>(p) % align != 0) {
    report_.add(text(place) + ": " + what + std::to_string(bytes) +
                " bytes of global memory at an address that is no " + "multiple of " + std::to_string(align));
    return false;
  }
  const Range* met = nullptr;
  for (Range& range : ranges_) {
    if (first < range.begin || first + bytes > range.end) continue;
    met = &range;
    if (range.use == (writes ? Use::read : Use::write)) continue;
    if (range.use != Use::scratch) return true;
    const auto offset = static_cast<std::size_t>(first - range.begin);
    for (std::size_t word = offset / 4; word <= (offset + bytes - 1) / 4; ++word) {
      if (writes) {
        range.written[word] = true;
      } else if (!range.written[word]) {
        report_.add(text(place) + ": reads " + range.name + " that nobody has written");
        return true;
      }
    }
    return true;
  }
  if (met != nullptr) {
    report_.add(text(place) + ": " + what + met->name + (writes ? ", an input" : ", an output"));
    return false;
  }
  report_.add(text(place) + ": " + what + std::to_string(bytes) + " bytes of global memory outside of all tensors");
  return false;
}

}  // namespace alng::impl::cuda::simt
