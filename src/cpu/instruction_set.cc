#include "cpu/instruction_set.h"

#include <array>
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

constexpr bool is_compiled(InstructionSet isa) {
  switch (isa) {
    case InstructionSet::scalar:
      return true;
    case InstructionSet::avx2:
      return (HWY_TARGETS & HWY_AVX2) != 0;
    case InstructionSet::avx512:
      return (HWY_TARGETS & HWY_AVX3) != 0;
    case InstructionSet::neon:
      return (HWY_TARGETS & HWY_NEON) != 0;
    case InstructionSet::sve:
      return (HWY_TARGETS & HWY_SVE) != 0;
  }
  return false;
}

#if defined(__x86_64__)
// Not known to __builtin_cpu_supports in clang 14. Asked only where AVX2 is there, whose check covers the system's
// part.
bool has_f16c() noexcept {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

// Empty where the processor runs it.
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
  static constexpr std::array all = {InstructionSet::avx512, InstructionSet::avx2, InstructionSet::sve,
                                     InstructionSet::neon, InstructionSet::scalar};
  return all;
}

const char* name(InstructionSet isa) noexcept {
  switch (isa) {
    case InstructionSet::scalar:
      return "scalar";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::neon:
      return "neon";
    case InstructionSet::sve:
      return "sve";
  }
  return "";
}

std::string_view why_not(InstructionSet isa) noexcept {
  const std::string_view lacks = machine_lacks(isa);
  return lacks.empty() && !is_compiled(isa) ? "this build leaves it out" : lacks;
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
