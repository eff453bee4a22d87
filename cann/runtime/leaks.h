// What aclFinalize lists of objects that other rooms keep.
#ifndef ALNG_CANN_RUNTIME_LEAKS_H
#define ALNG_CANN_RUNTIME_LEAKS_H

#include <cstddef>

namespace alng::cann {

/// How many objects of a kind are alive.
using LeakCount = std::size_t (*)();
/// `what`: the kind's name in the plural; it must live as long as the process.
void add_leak_count(LeakCount count, const char* what);

}  // namespace alng::cann

#endif
