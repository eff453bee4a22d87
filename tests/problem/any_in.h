// A number from a range, for property tests.
#ifndef ALNG_TESTS_PROBLEM_ANY_IN_H
#define ALNG_TESTS_PROBLEM_ANY_IN_H

#include <rapidcheck/gtest.h>

#include <cstdint>

namespace alng {

/// Anywhere in [low, high), also in RapidCheck's first cases, which it would else draw near `low` alone.
inline std::int64_t any_in(std::int64_t low, std::int64_t high) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::int64_t>(low, high));
}

}  // namespace alng

#endif
