// Which of Highway's targets are compiled, and how to call into the one that is wanted. Scalar is the baseline, so that
// a build for plain x86-64 runs everywhere and the scalar path exists on every machine; of the SIMD targets those are
// left out that would compute the same at the same speed.
#ifndef ALNG_CPU_TARGETS_H
#define ALNG_CPU_TARGETS_H

#define HWY_BASELINE_TARGETS HWY_SCALAR
#define HWY_BROKEN_EMU128 1   // or clang would take Highway's emulated vectors for the baseline
#define HWY_IS_DEBUG_BUILD 0  // its debug checks would need libhwy, of which only the headers are used
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE_256 | HWY_SVE2 | HWY_SVE2_128 | ALNG_LEFT_OUT_TARGETS)

#include "hwy/detect_targets.h"

#if HWY_TARGETS & HWY_AVX2
#define ALNG_CASE_AVX2(call) \
  case InstructionSet::avx2: \
    return N_AVX2::call;
#else
#define ALNG_CASE_AVX2(call)
#endif
#if HWY_TARGETS & HWY_AVX3
#define ALNG_CASE_AVX512(call) \
  case InstructionSet::avx512: \
    return N_AVX3::call;
#else
#define ALNG_CASE_AVX512(call)
#endif
#if HWY_TARGETS & HWY_NEON
#define ALNG_CASE_NEON(call) \
  case InstructionSet::neon: \
    return N_NEON::call;
#else
#define ALNG_CASE_NEON(call)
#endif
#if HWY_TARGETS & HWY_SVE
#define ALNG_CASE_SVE(call) \
  case InstructionSet::sve: \
    return N_SVE::call;
#else
#define ALNG_CASE_SVE(call)
#endif

// return <namespace of isa>::call
#define ALNG_CALL_TARGET(isa, call) \
  switch (isa) {                    \
    ALNG_CASE_AVX2(call)            \
    ALNG_CASE_AVX512(call)          \
    ALNG_CASE_NEON(call)            \
    ALNG_CASE_SVE(call)             \
    default:                        \
      return N_SCALAR::call;        \
  }

#endif
