// Everything a C++ caller needs: AddLayerNormGrad as Problem, Plan and run. What returns a string or a vector, or
// copies one, may throw std::bad_alloc; nothing else throws.
#ifndef ALNG_ALNG_HPP
#define ALNG_ALNG_HPP

#include "alng/plan.hpp"
#include "alng/problem.hpp"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

#endif
