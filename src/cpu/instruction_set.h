// The instruction sets the CPU kernels are compiled for, and which of them this machine runs.
#ifndef ALNG_CPU_INSTRUCTION_SET_H
#define ALNG_CPU_INSTRUCTION_SET_H

#include <span>
#include <string_view>
#include <vector>

#include "alng/options.hpp"
#include "alng/status.hpp"

namespace alng::impl::cpu {

enum class InstructionSet { scalar, avx2, avx512, neon, sve };

/// All the names a caller may use, on any machine, best first within each architecture; scalar last.
std::span<const InstructionSet> known_instruction_sets() noexcept;

const char* name(InstructionSet isa) noexcept;

/// Empty where this build has it and this machine runs it, else why not, in a few words.
std::string_view why_not(InstructionSet isa) noexcept;

/// All of them, and whether `why_not` is empty.
std::vector<Availability> instruction_sets();

/// The instruction set a plan uses: the one that is asked for, else the one ALNG_ISA names, else the best that runs
/// here. `bad_option` for a name nobody has heard of, `unsupported` for one with a reason in `why_not`.
Result<InstructionSet> choose_instruction_set(std::string_view asked_for);

}  // namespace alng::impl::cpu

#endif
