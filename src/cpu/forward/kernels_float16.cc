// The forward's kernels of float16, compiled for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/forward/kernels_float16.cc"
#include "cpu/targets.h"
// Highway's multiple inclusion
#include "hwy/foreach_target.h"
// After it
#include "cpu/forward/row_pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

ForwardKernels ForwardKernels_float16() { return ForwardKernelsOf<Float16>(); }

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alng::impl::cpu {

ForwardKernels forward_kernels_float16(InstructionSet isa) noexcept { ALNG_CALL_TARGET(isa, ForwardKernels_float16()); }

}  // namespace alng::impl::cpu
#endif
