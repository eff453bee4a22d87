// The forward's kernels of bfloat16, compiled for every instruction set.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/forward/kernels_bfloat16.cc"
#include "cpu/targets.h"
// Highway's multiple inclusion
#include "hwy/foreach_target.h"
// After it
#include "cpu/forward/row_pass-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alng::impl::cpu::HWY_NAMESPACE {

ForwardKernels ForwardKernels_bfloat16() { return ForwardKernelsOf<BFloat16>(); }

}  // namespace alng::impl::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace alng::impl::cpu {

ForwardKernels forward_kernels_bfloat16(InstructionSet isa) noexcept {
  ALNG_CALL_TARGET(isa, ForwardKernels_bfloat16());
}

}  // namespace alng::impl::cpu
#endif
