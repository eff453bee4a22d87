// Stacks to switch between. A switch of our own, some 20 instructions, because a kernel on the model switches at every
// shuffle and every lane: swapcontext also saves the signal mask, a system call each time, and took 15 times as long.
#ifndef ALNG_CUDA_SIMT_FIBER_H
#define ALNG_CUDA_SIMT_FIBER_H

#include <cstddef>
#include <memory>

namespace alng::impl::cuda::simt {

class Fiber {
 public:
  /// Until the next start the fiber can't be resumed. `body` must not return: its last act is a suspend.
  void start(void (*body)());
  /// Runs the fiber until it suspends.
  void resume();
  /// Goes back to who resumed this fiber, the running one.
  void suspend();

 private:
  // A kernel's frames, and those of the checks that it calls, take less than 8 KiB.
  static constexpr std::size_t stack_bytes = std::size_t{64} << 10;
  std::unique_ptr<std::byte[]> stack_;
  void* own_ = nullptr;
  void* caller_ = nullptr;
};

}  // namespace alng::impl::cuda::simt

#endif
