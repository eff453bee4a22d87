#include "cpu/instruction_set.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "cpu/targets.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace alng::impl::cpu {
namespace {

// All there are, in the order of `known_instruction_sets`.
struct Known {
  InstructionSet isa;
  const char* name;
  std::int64_t target;  // of Highway
};
constexpr std::array table = {Known{InstructionSet::avx512, "avx512", HWY_AVX3},
                              Known{InstructionSet::avx2, "avx2", HWY_AVX2}, Known{InstructionSet::sve, "sve", HWY_SVE},
                              Known{InstructionSet::neon, "neon", HWY_NEON},
                              Known{InstructionSet::scalar, "scalar", HWY_SCALAR}};

const Known& known(InstructionSet isa) noexcept { return *std::ranges::find(table, isa, &Known::isa); }

#if defined(__x86_64__)
// Not known to __builtin_cpu_supports in clang 14. Asked only where AVX2 is there, whose check covers the system's
// part.
bool has_f16c() noexcept {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

// Why this machine can't run it; empty where it can.
std::string_view machine_lacks(InstructionSet isa) noexcept {
#if defined(__x86_64__)
  switch (isa) {
    case InstructionSet::scalar:
      return {};
    case InstructionSet::avx2:
      // What Highway compiles this target with; no processor has AVX2 without the others, but a virtual machine may
      // hide some.
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
                     __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
                 ? std::string_view{}
                 : "the processor lacks AVX2, FMA, F16C or BMI";
    case InstructionSet::avx512:
      return machine_lacks(InstructionSet::avx2).empty() && __builtin_cpu_supports("avx512f") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512vl")
                 ? std::string_view{}
                 : "the processor lacks AVX-512 F, BW, DQ or VL";
    default:
      return "this is an x86-64 build";
  }
#elif defined(__aarch64__)
  switch (isa) {
    case InstructionSet::scalar:
      return {};
    case InstructionSet::neon:
      return {};  // part of every aarch64 Linux
    case InstructionSet::sve:
      return (getauxval(AT_HWCAP) & HWCAP_SVE) != 0 ? std::string_view{} : "the processor lacks SVE";
    default:
      return "this is an aarch64 build";
  }
#endif
}

}  // namespace

std::span<const InstructionSet> known_instruction_sets() noexcept {
  static constexpr auto all = [] {
    std::array<InstructionSet, table.size()> sets{};
    std::ranges::transform(table, sets.begin(), &Known::isa);
    return sets;
  }();
  return all;
}

const char* name(InstructionSet isa) noexcept { return known(isa).name; }

std::string_view why_not(InstructionSet isa) noexcept {
  const std::string_view lacks = machine_lacks(isa);
  return lacks.empty() && (HWY_TARGETS & known(isa).target) == 0 ? "this build leaves it out" : lacks;
}

Result<InstructionSet> choose_instruction_set(std::string_view asked_for) {
  std::string_view source = "isa";
  if (asked_for.empty()) {
    if (const char* forced = std::getenv("ALNG_ISA")) {
      asked_for = forced;
      source = "the environment variable ALNG_ISA";
    }
  }
  std::string names;
  for (const InstructionSet isa : known_instruction_sets()) {
    const std::string_view reason = why_not(isa);
    if (asked_for.empty() && reason.empty()) return isa;
    if (asked_for == name(isa)) {
      if (reason.empty()) return isa;
      return Status(Code::unsupported, std::string(source) + " is \"" + std::string(asked_for) +
                                           "\", which cannot run here: " + std::string(reason));
    }
    if (!names.empty()) names += ", ";
    names += name(isa);
  }
  return Status(Code::bad_option, std::string(source) + " is \"" + std::string(asked_for) + "\" but must be one of " +
                                      names + ", or empty for the best");
}

std::vector<Availability> instruction_sets() {
  std::vector<Availability> result;
  for (const InstructionSet isa : known_instruction_sets()) {
    const std::string reason(why_not(isa));
    result.push_back({name(isa), reason.empty(), reason.empty() ? "this processor runs it" : reason});
  }
  return result;
}

}  // namespace alng::impl::cpu
