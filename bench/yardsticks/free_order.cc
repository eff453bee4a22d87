#include "yardsticks/free_order.h"

#include <oneapi/tbb/parallel_for.h>

#include <utility>

namespace alng::cli {

FreeOrderKernels free_order_kernels(const FreeOrderProblem& problem) {
#if defined(__x86_64__)
  const bool is_forward = problem.forward.x1 != nullptr;
  const bool dsum = problem.grad.dsum != nullptr;
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    return is_forward ? free_forward_avx512(problem.dtype) : free_grad_avx512(problem.dtype, dsum);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return is_forward ? free_forward_avx2(problem.dtype) : free_grad_avx2(problem.dtype, dsum);
  }
#endif
  static_cast<void>(problem);
  return {};
}

FreeOrder::FreeOrder(const FreeOrderProblem& problem, FreeOrderKernels kernels, std::size_t variant, int threads)
    : problem_(problem), kernels_(std::move(kernels)), variant_(variant), memory_(static_cast<std::size_t>(threads)) {
  // gamma, beta, dgamma and dbeta, and four rows of centred values; 32 is the widest step. 4 KB at both ends keep
  // threads' lines apart.
  const std::size_t padded = (static_cast<std::size_t>(problem.columns) + 31) / 32 * 32;
  for (int t = 0; t < threads; ++t) {
    memory_[t].resize(8 * padded + 2048);
    float* const start = memory_[t].data() + 1024;
    float* const begin = start + (64 - reinterpret_cast<std::uintptr_t>(start) % 64) / sizeof(float);
    slices_.push_back({.problem = &problem_,
                       .begin = problem.rows * t / threads,
                       .end = problem.rows * (t + 1) / threads,
                       .gamma = begin,
                       .beta = begin + padded,
                       .dgamma = begin + 2 * padded,
                       .dbeta = begin + 3 * padded,
                       .centred = begin + 4 * padded});
  }
}

void FreeOrder::run() {
  const auto rows = kernels_.variants[variant_].rows;
  if (slices_.size() == 1) {
    rows(slices_[0]);
  } else {
    tbb::parallel_for(
        std::size_t{0}, slices_.size(), [&](std::size_t t) { rows(slices_[t]); }, tbb::static_partitioner());
  }
  if (kernels_.combine != nullptr) kernels_.combine(problem_, slices_);
}

}  // namespace alng::cli
