// How a command of the tool gives up.
#ifndef ALNG_TOOLS_FAILURE_H
#define ALNG_TOOLS_FAILURE_H

#include <stdexcept>

namespace alng::cli {

/// One sentence without a newline. `main` prints it behind "alng: " on stderr and exits with 2.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace alng::cli

#endif
