// What a call answers that has no memory for its work, or for a longer sentence.
#ifndef ALNG_PROBLEM_OUT_OF_MEMORY_H
#define ALNG_PROBLEM_OUT_OF_MEMORY_H

#include "alng/status.hpp"

namespace alng::impl {

/// For the `catch (...)` of every function that is noexcept: nothing here throws but std::bad_alloc and, where more
/// elements are asked for than any vector has, std::length_error. The sentence lies within the string itself.
inline Status out_of_memory() noexcept { return {Code::out_of_memory, "out of memory"}; }

}  // namespace alng::impl

#endif
