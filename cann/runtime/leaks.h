// What aclFinalize lists of objects that other rooms keep.
#ifndef ALNG_CANN_RUNTIME_LEAKS_H
#define ALNG_CANN_RUNTIME_LEAKS_H

#include <string>

namespace alng::cann {

/// Lines of text, one for each kind of object of which some are alive.
using LeakList = std::string (*)();
void add_leak_list(LeakList list);

}  // namespace alng::cann

#endif
