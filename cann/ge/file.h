// Files that programs ask the engine to write.
#ifndef ALNG_CANN_GE_FILE_H
#define ALNG_CANN_GE_FILE_H

#include <string>
#include <string_view>

#include "alng/status.hpp"

namespace alng::cann::engine {

/// Makes the file anew. A refusal names it and says what the system says.
Status write_file(const std::string& name, std::string_view contents);

}  // namespace alng::cann::engine

#endif
