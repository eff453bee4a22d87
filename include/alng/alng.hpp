// Everything a C++ caller needs: AddLayerNormGrad as Problem, Plan and run.
#ifndef ALNG_ALNG_HPP
#define ALNG_ALNG_HPP

#include "alng/plan.hpp"
#include "alng/problem.hpp"
#include "alng/status.hpp"
#include "alng/tensor.hpp"

#endif
