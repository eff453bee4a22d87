// Files that programs ask the engine to write.
#ifndef ALNG_CANN_GE_FILE_H
#define ALNG_CANN_GE_FILE_H

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "alng/status.hpp"

namespace alng::cann::engine {

/// Makes the files of what `contents` gives, a text for each, which is called once it is known that all of them can be
/// made and that the disk is not full. Where one can't be written whole, regular files that were there before are
/// untouched, but for one whose new contents had taken its place when the system refused that to the next. A link stays
/// and what it stands for is written; devices and pipes are written as they are. A refusal names the file and says what
/// the system says.
Status write_files(std::span<const std::string> names, const std::function<std::vector<std::string>()>& contents);

}  // namespace alng::cann::engine

#endif
