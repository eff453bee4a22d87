// Files that programs ask the engine to write.
#ifndef ALNG_CANN_GE_FILE_H
#define ALNG_CANN_GE_FILE_H

#include <functional>
#include <string>

#include "alng/status.hpp"

namespace alng::cann::engine {

/// Makes the file of what `contents` gives, which is called once it is known that the file can be made and that the
/// disk is not full. Where it can't be written whole, what was there before is untouched. A refusal names the file and
/// says what the system says.
Status write_file(const std::string& name, const std::function<std::string()>& contents);

}  // namespace alng::cann::engine

#endif
