#include "cuda/simt/fiber.h"

#include <cstdint>

// Stores the registers that a function must keep on the stack, the stack pointer in *save, and takes all from `load`.
extern "C" void alng_simt_switch(void** save, void* load);

#if defined(__x86_64__)
__asm__(R"(
.text
.p2align 4
.hidden alng_simt_switch
.globl alng_simt_switch
.type alng_simt_switch,@function
alng_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size alng_simt_switch,.-alng_simt_switch
)");
#elif defined(__aarch64__)
__asm__(R"(
.text
.p2align 4
.hidden alng_simt_switch
.globl alng_simt_switch
.type alng_simt_switch,%function
alng_simt_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size alng_simt_switch,.-alng_simt_switch
)");
#else
#error "the host model of CUDA knows how to switch stacks on x86-64 and aarch64 only"
#endif

namespace alng::impl::cuda::simt {

void Fiber::start(void (*body)()) {
  if (stack_ == nullptr) stack_ = std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
  std::byte* top = stack_.get() + stack_bytes;
  top -= reinterpret_cast<std::uintptr_t>(top) % 16;
#if defined(__x86_64__)
  // At the body's first instruction the stack is as after a call: 8 bytes off a multiple of 16.
  void** frame = reinterpret_cast<void**>(top) - 2;
  frame[0] = reinterpret_cast<void*>(body);
  own_ = frame - 6;
#else
  void** frame = reinterpret_cast<void**>(top) - 20;
  frame[11] = reinterpret_cast<void*>(body);  // x30
  own_ = frame;
#endif
}

void Fiber::resume() { alng_simt_switch(&caller_, own_); }
void Fiber::suspend() { alng_simt_switch(&own_, caller_); }

}  // namespace alng::impl::cuda::simt
