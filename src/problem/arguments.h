// The judgement of pointers: presence, overlap, workspace. The counterpart of Problem::create for `Arguments`.
#ifndef ALNG_PROBLEM_ARGUMENTS_H
#define ALNG_PROBLEM_ARGUMENTS_H

#include <cstddef>

#include "alng/plan.hpp"

namespace alng {

/// All rules of `Arguments` for this problem. Allocates only for a refusal's sentence; outputs are not touched.
Status check_arguments(const Problem& problem, const Arguments& arguments, std::size_t workspace_size) noexcept;

/// The rules of inputs alone: dy, x1, x2, rstd, mean, gamma, dsum present exactly where the problem has them.
Status check_inputs(const Problem& problem, const Arguments& arguments) noexcept;

}  // namespace alng

#endif
