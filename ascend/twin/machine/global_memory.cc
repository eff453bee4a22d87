#include "machine/global_memory.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace alng::twin {
namespace {

bool may(Access access, GlobalMemory::Kind kind) { return kind == GlobalMemory::Kind::read || access != Access::input; }

std::string bytes_of(const GlobalMemory::Range& range, std::uintptr_t begin, std::uintptr_t end) {
  return "bytes [" + std::to_string(static_cast<std::intptr_t>(begin - range.begin)) + ", " +
         std::to_string(static_cast<std::intptr_t>(end - range.begin)) + ") of " + range.name;
}

}  // namespace

void GlobalMemory::add(std::string name, const void* begin, std::size_t size, Access access) {
  if (size == 0) return;
  const auto address = reinterpret_cast<std::uintptr_t>(begin);
  Range range{std::move(name), address, address + size, access, {}};
  if (access == Access::output || access == Access::scratch) range.written.assign(size, 0);
  ranges_.push_back(std::move(range));
}

const GlobalMemory::Range* GlobalMemory::find(std::uintptr_t begin, std::size_t size, Kind kind) const {
  const Range* found = nullptr;
  for (const Range& range : ranges_) {
    if (begin < range.begin || begin + size > range.end || !may(range.access, kind)) continue;
    // A range that holds something already is the better one to read from.
    if (found == nullptr || !range.written.empty() == (kind != Kind::read)) found = &range;
  }
  return found;
}

std::string GlobalMemory::refusal(std::uintptr_t begin, std::size_t size, Kind kind) const {
  if (find(begin, size, kind) != nullptr) return {};
  const char* verb = kind == Kind::read ? "reads" : "writes";
  const Range* nearest = nullptr;
  for (const Range& range : ranges_) {
    if (begin < range.end && begin + size > range.begin && (nearest == nullptr || range.begin <= begin))
      nearest = &range;
    if (begin == range.end && nearest == nullptr) nearest = &range;
  }
  if (nearest == nullptr) {
    return std::string(verb) + " " + std::to_string(size) + " bytes of global memory that belong to no argument";
  }
  const std::string what = std::string(verb) + " " + bytes_of(*nearest, begin, begin + size);
  if (begin >= nearest->begin && begin + size <= nearest->end) return what + ", which is an input";
  return what + ", which has " + std::to_string(nearest->end - nearest->begin) + " bytes";
}

bool GlobalMemory::changes(std::uintptr_t begin) const {
  return std::ranges::any_of(ranges_, [begin](const Range& range) {
    return range.begin <= begin && begin < range.end && range.access != Access::input;
  });
}

std::string GlobalMemory::note(int core, std::uintptr_t begin, std::size_t size, Kind kind, const Where& where) {
  if (!changes(begin)) return {};
  const bool goes_on = !extents_.empty() && extents_.back().core == core && extents_.back().kind == kind &&
                       extents_.back().end == begin && extents_.back().where.line() == where.line();
  if (goes_on) {
    extents_.back().end = begin + size;
  } else {
    extents_.push_back({begin, begin + size, core, kind, where});
  }
  if (kind == Kind::write) {
    for (Range& range : ranges_) {
      if (range.written.empty() || begin < range.begin || begin + size > range.end) continue;
      std::memset(range.written.data() + (begin - range.begin), 1, size);
    }
    return {};
  }
  const Range* range = find(begin, size, Kind::read);
  if (range == nullptr || range->written.empty()) return {};
  const std::uint8_t* written = range->written.data() + (begin - range->begin);
  const void* missing = std::memchr(written, 0, size);
  if (missing == nullptr) return {};
  const std::uintptr_t at = begin + static_cast<std::uintptr_t>(static_cast<const std::uint8_t*>(missing) - written);
  return "reads " + bytes_of(*range, begin, begin + size) + ", of which byte " + std::to_string(at - range->begin) +
         " was never written";
}

void GlobalMemory::end_of_stretch(Findings& findings) {
  std::ranges::sort(extents_, [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  // Of each kind the extents that reach furthest, of two different cores.
  struct Furthest {
    const Extent* first = nullptr;
    const Extent* second = nullptr;
    void add(const Extent& extent) {
      if (first == nullptr || first->core == extent.core) {
        if (first == nullptr || extent.end > first->end) first = &extent;
      } else if (extent.end > first->end) {
        second = first;
        first = &extent;
      } else if (second == nullptr || extent.end > second->end) {
        second = &extent;
      }
    }
    const Extent* of_another(const Extent& extent) const {
      for (const Extent* e : {first, second}) {
        if (e != nullptr && e->core != extent.core && e->end > extent.begin) return e;
      }
      return nullptr;
    }
  };
  std::array<Furthest, 3> furthest;
  for (const Extent& extent : extents_) {
    for (int kind = 0; kind < 3; ++kind) {
      const auto other_kind = static_cast<Kind>(kind);
      if (extent.kind == other_kind && extent.kind != Kind::write) continue;
      const Extent* other = furthest[static_cast<std::size_t>(kind)].of_another(extent);
      if (other == nullptr) continue;
      const Range* range = find(extent.begin, 1, Kind::read);
      const auto verb = [](Kind k) { return k == Kind::read ? "reads" : k == Kind::write ? "writes" : "adds to"; };
      findings.add(Check::race, extent.core, extent.where,
                   "core " + std::to_string(extent.core) + " " + verb(extent.kind) + " " +
                       bytes_of(*range, extent.begin, std::min(extent.end, other->end)) + " and core " +
                       std::to_string(other->core) + " " + verb(other->kind) + " them at " + place(other->where) +
                       ", with no SyncAll between");
    }
    furthest[static_cast<std::size_t>(extent.kind)].add(extent);
  }
  extents_.clear();
}

std::string GlobalMemory::unwritten_output() const {
  for (const Range& range : ranges_) {
    if (range.access != Access::output) continue;
    const auto missing = std::ranges::find(range.written, 0);
    if (missing == range.written.end()) continue;
    return "byte " + std::to_string(missing - range.written.begin()) + " of " + range.name + " was never written";
  }
  return {};
}

}  // namespace alng::twin
