// AddLayerNorm on the CPU.
#ifndef ALNG_CPU_FORWARD_EXECUTION_H
#define ALNG_CPU_FORWARD_EXECUTION_H

#include <memory>

#include "cpu/instruction_set.h"
#include "plan/backend.h"

namespace alng::impl::cpu {

/// `threads` is at least 1. `bad_option` for what ALNG_TUNING says wrongly.
Result<std::unique_ptr<Execution>> plan_forward(const Problem& problem, InstructionSet isa, int threads);

}  // namespace alng::impl::cpu

#endif
