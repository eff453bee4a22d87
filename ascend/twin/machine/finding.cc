#include "machine/finding.h"

#include <cstring>

namespace alng::twin {
namespace {

const char* last_component(const char* file) {
  const char* slash = std::strrchr(file, '/');
  return slash == nullptr ? file : slash + 1;
}

}  // namespace

const char* check_name(Check check) {
  switch (check) {
    case Check::capacity:
      return "capacity";
    case Check::alignment:
      return "alignment";
    case Check::repeat:
      return "repeat";
    case Check::mask:
      return "mask";
    case Check::stride:
      return "stride";
    case Check::length:
      return "length";
    case Check::unwritten:
      return "unwritten";
    case Check::buffer:
      return "buffer";
    case Check::global_range:
      return "global_range";
    case Check::hazard:
      return "hazard";
    case Check::vector_hazard:
      return "vector_hazard";
    case Check::pipe_hazard:
      return "pipe_hazard";
    case Check::flag:
      return "flag";
    case Check::deadlock:
      return "deadlock";
    case Check::race:
      return "race";
    case Check::queue:
      return "queue";
    case Check::vector_function:
      return "vector_function";
    case Check::scalar_access:
      return "scalar_access";
    case Check::argument:
      return "argument";
  }
  return "unknown";
}

std::string place(const Where& where) {
  return std::string(last_component(where.file_name())) + ":" + std::to_string(where.line());
}

std::string to_string(const Finding& finding) {
  std::string text = std::string(check_name(finding.check)) + " at " + finding.file + ":" +
                     std::to_string(finding.line) + " (core " + std::to_string(finding.core) + "): " + finding.sentence;
  if (finding.times > 1) text += " (" + std::to_string(finding.times) + " times)";
  return text;
}

void Findings::add(Check check, int core, const Where& where, std::string sentence) {
  const char* file = last_component(where.file_name());
  for (Finding& known : all_) {
    if (known.check == check && known.line == where.line() && known.file == file) {
      ++known.times;
      return;
    }
  }
  all_.push_back({check, core, file, where.line(), std::move(sentence), 1});
}

}  // namespace alng::twin
