// Pointers that break no rule, for tests that then break one. None is ever read, so the addresses are plain numbers.
#ifndef ALNG_TESTS_PROBLEM_SEPARATE_ARGUMENTS_H
#define ALNG_TESTS_PROBLEM_SEPARATE_ARGUMENTS_H

#include <cstdint>

#include "alng/plan.hpp"

namespace alng {

template <class T>
T* at(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

/// Every tensor 4096 bytes from the next, for problems whose tensors are shorter.
inline Arguments separate_arguments() {
  Arguments arguments;
  arguments.dy = at<void>(0x10000);
  arguments.x1 = at<void>(0x11000);
  arguments.x2 = at<void>(0x12000);
  arguments.rstd = at<float>(0x13000);
  arguments.mean = at<float>(0x14000);
  arguments.gamma = at<void>(0x15000);
  arguments.dsum = at<void>(0x16000);
  arguments.dx = at<void>(0x17000);
  arguments.dgamma = at<float>(0x18000);
  arguments.dbeta = at<float>(0x19000);
  arguments.workspace = at<void>(0x1a000);
  arguments.workspace_size = 1000;
  return arguments;
}

}  // namespace alng

#endif
