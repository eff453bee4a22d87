// The canonical order once more, written from docs/numerics.md alone.
#ifndef ALNG_TESTS_OPERATOR_SECOND_IMPLEMENTATION_H
#define ALNG_TESTS_OPERATOR_SECOND_IMPLEMENTATION_H

#include "cases/forward_instance.h"
#include "cases/instance.h"
#include "operator/run_case.h"

namespace alng::test {

/// What any implementation must leave, bit for bit. Recursive where the library loops, dense copies where it streams,
/// and slow: about 100 ns per element.
Outcome second_implementation(const cases::Instance& instance);
Outcome second_implementation(const cases::ForwardInstance& instance);

}  // namespace alng::test

#endif
