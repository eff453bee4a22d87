// The case list as GoogleTest parameters.
#ifndef ALNG_TESTS_OPERATOR_CASE_LIST_H
#define ALNG_TESTS_OPERATOR_CASE_LIST_H

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "cases/cases.h"

namespace alng::cases {

inline void PrintTo(const Case& what, std::ostream* out) { *out << what.name << " (" << what.incident << ")"; }

}  // namespace alng::cases

namespace alng::test {

/// Cases of more elements than this are the slow ones: a sanitized build takes seconds for each. Just above 8 MiB of
/// float32, where dx begins to be written past the caches.
inline constexpr std::int64_t slow_elements = 2'200'000;

inline std::vector<cases::Case> fast(std::vector<cases::Case> list) {
  std::erase_if(list, [](const cases::Case& what) { return what.elements() > slow_elements; });
  return list;
}

inline std::vector<cases::Case> slow(std::vector<cases::Case> list) {
  std::erase_if(list, [](const cases::Case& what) { return what.elements() <= slow_elements; });
  return list;
}

inline std::string case_name(const testing::TestParamInfo<cases::Case>& info) { return info.param.name; }

/// The case of this name; the name is one of the list.
inline const cases::Case& case_named(const std::string& name) {
  for (const cases::Case& what : cases::all_cases()) {
    if (what.name == name) return what;
  }
  throw std::runtime_error("no case is named " + name);
}

}  // namespace alng::test

#endif
