// Global memory as a launch sees it: the ranges that were given to the kernel, and which core touched what between two
// SyncAlls.
#ifndef ALNG_ASCEND_TWIN_MACHINE_GLOBAL_MEMORY_H
#define ALNG_ASCEND_TWIN_MACHINE_GLOBAL_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "machine/finding.h"

namespace alng::twin {

/// What a kernel may do with a range. `output` and `scratch` hold nothing at first: reading a byte of them that no core
/// has written is a finding. `update` is read and written.
enum class Access : std::uint8_t { input, output, update, scratch };

class GlobalMemory {
 public:
  struct Range {
    std::string name;
    std::uintptr_t begin;
    std::uintptr_t end;
    Access access;
    std::vector<std::uint8_t> written;  // of output and scratch
  };
  enum class Kind : std::uint8_t { read, write, atomic };

  /// Ranges may be the same (dx over dy): then what is allowed in one of them is allowed.
  void add(std::string name, const void* begin, std::size_t size, Access access);

  /// Why [begin, begin + size) must not be read or written, as a sentence; empty where it may.
  std::string refusal(std::uintptr_t begin, std::size_t size, Kind kind) const;
  /// Whether anything here can be written, so that order matters.
  bool changes(std::uintptr_t begin) const;
  /// Notes an access that is allowed. Returns the sentence about bytes read that nobody wrote, or nothing.
  std::string note(int core, std::uintptr_t begin, std::size_t size, Kind kind, const Where& where);

  /// The end of a stretch between SyncAlls: what two cores did at the same bytes, as findings.
  void end_of_stretch(Findings& findings);

  /// Bytes of the outputs that nobody wrote, as a sentence; empty: none.
  std::string unwritten_output() const;

 private:
  struct Extent {
    std::uintptr_t begin, end;
    int core;
    Kind kind;
    Where where;
  };

  const Range* find(std::uintptr_t begin, std::size_t size, Kind kind) const;

  std::vector<Range> ranges_;
  std::vector<Extent> extents_;
};

}  // namespace alng::twin

#endif
