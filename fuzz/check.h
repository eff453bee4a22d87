// What a fuzz target says when something that must hold does not.
#ifndef ALNG_FUZZ_CHECK_H
#define ALNG_FUZZ_CHECK_H

#include <cstdio>
#include <cstdlib>

#define ALNG_FUZZ_CHECK(condition)                                                        \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

#endif
