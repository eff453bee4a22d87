// Everything a C++17 caller needs: AddLayerNorm and AddLayerNormGrad as problem, plan and run, headers alone over the C
// interface (alng.h), so that any standard library works with any build of alng. What returns a string or a vector, or
// copies one, may throw std::bad_alloc; nothing else throws.
#ifndef ALNG_ALNG_HPP
#define ALNG_ALNG_HPP

#include "alng/forward.hpp"
#include "alng/grad.hpp"
#include "alng/memory.hpp"
#include "alng/options.hpp"
#include "alng/plan.hpp"
#include "alng/problem.hpp"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

#endif
