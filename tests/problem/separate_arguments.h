// Pointers that break no rule, for tests that then break one. None is ever read, so the addresses are plain numbers.
#ifndef ALNG_TESTS_PROBLEM_SEPARATE_ARGUMENTS_H
#define ALNG_TESTS_PROBLEM_SEPARATE_ARGUMENTS_H

#include <cstdint>

#include "alng/by_place.hpp"
#include "alng/grad.hpp"
#include "problem/arguments.h"

namespace alng {

template <class T>
T* at(std::uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

/// Every tensor 4096 bytes from the next, for problems whose tensors are shorter.
inline GradArguments separate_arguments() {
  GradArguments arguments;
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

/// What the C door makes of them.
inline impl::Problem inside(const GradDescription& description) {
  impl::Description tensors(impl::add_layer_norm_grad);
  for (std::size_t place = 0; place < grad::count; ++place) {
    if (const TensorLayout* layout = layout_at(description, place)) tensors.give(place, *layout);
  }
  tensors.normalized_dims = description.normalized_dims;
  tensors.accumulate = description.accumulate;
  return impl::Problem::create(tensors).value();
}

inline impl::Arguments inside(const GradArguments& arguments) {
  impl::Arguments where;
  where.what = &impl::add_layer_norm_grad;
  for (std::size_t place = 0; place < grad::count; ++place) {
    where.data[place] = const_cast<void*>(pointer_at(arguments, place));
  }
  where.workspace = arguments.workspace;
  where.workspace_size = arguments.workspace_size;
  where.executor = arguments.executor;
  return where;
}

}  // namespace alng

#endif
