// What a check found: which rule, where in the kernel, and the sentence saying what is wrong.
#ifndef ALNG_ASCEND_TWIN_MACHINE_FINDING_H
#define ALNG_ASCEND_TWIN_MACHINE_FINDING_H

#include <cstdint>
#include <string>
#include <vector>

namespace alng::twin {

/// A statement of the kernel. std::source_location, which clang 14 does not have.
class Where {
 public:
  constexpr Where() = default;
  /// As a default argument: the caller's place.
  static constexpr Where current(const char* file = __builtin_FILE(), std::uint32_t line = __builtin_LINE()) {
    Where where;
    where.file_ = file;
    where.line_ = line;
    return where;
  }
  constexpr const char* file_name() const { return file_; }
  constexpr std::uint32_t line() const { return line_; }

 private:
  const char* file_ = "";
  std::uint32_t line_ = 0;
};

enum class Check : std::uint8_t {
  capacity,         // more UB than the product has
  alignment,        // an address that is not a multiple of what the instruction needs
  repeat,           // more than 255 repeats
  mask,             // lanes that a vector does not have
  stride,           // a stride the instruction's field does not hold
  length,           // a length the instruction does not take
  unwritten,        // bytes read that nobody wrote
  buffer,           // bytes outside the buffer the tensor came from
  global_range,     // global memory nobody gave to the kernel
  hazard,           // two pipes at the same bytes, unordered
  vector_hazard,    // two vector instructions at the same bytes, no PipeBarrier<PIPE_V> between
  pipe_hazard,      // two DMAs of one pipe at the same bytes, no barrier between
  flag,             // flags set twice, left over, ids that do not exist
  deadlock,         // a wait that nobody ends
  race,             // two cores at the same global bytes with no SyncAll between
  queue,            // a queue used against its rules
  vector_function,  // rules of the register level
  scalar_access,    // a UB pointer dereferenced by scalar code
  argument,         // a value the instruction does not take
};

const char* check_name(Check check);

struct Finding {
  Check check;
  int core;
  /// The statement of the kernel: file (its last component) and line.
  std::string file;
  std::uint32_t line;
  std::string sentence;
  /// How often the same check found something at the same statement; the sentence is the first one's.
  std::int64_t times = 1;
};

/// `hazard at row_pass.h:120 (core 0): ...`
std::string to_string(const Finding& finding);

/// What all cores of a launch found; one entry for each check and statement.
class Findings {
 public:
  void add(Check check, int core, const Where& where, std::string sentence);
  const std::vector<Finding>& all() const { return all_; }
  bool empty() const { return all_.empty(); }

 private:
  std::vector<Finding> all_;
};

/// `file:line` with the last component of the file.
std::string place(const Where& where);

/// Thrown through the kernel where going on makes no sense: an address outside all memory, a wait that never ends.
struct Abandoned {};

}  // namespace alng::twin

#endif
