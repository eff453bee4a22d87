// The yardstick for problems that fit in cache: both operators tuned by hand for one machine, their sums in whatever
// order is fastest. What the canonical order costs is the ratio to this.
#ifndef ALNG_YARDSTICKS_FREE_ORDER_H
#define ALNG_YARDSTICKS_FREE_ORDER_H

#include <cstdint>
#include <string>
#include <vector>

#include "alng/alng.hpp"

namespace alng::cli {

/// Dense tensors, gamma and beta of the same dtype as the others. gamma, beta and dsum may be null; all else is there.
struct FreeOrderProblem {
  DType dtype = DType::float32;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  /// One of the two is asked for.
  GradArguments grad;
  ForwardArguments forward;
  float eps = 0;
};

/// Rows [begin, end) of a problem and the memory of the thread that does them. The float arrays are padded to whole
/// vectors.
struct FreeOrderSlice {
  const FreeOrderProblem* problem = nullptr;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  float* gamma = nullptr;
  float* beta = nullptr;
  float* dgamma = nullptr;
  float* dbeta = nullptr;
  float* centred = nullptr;
};

/// One way to go through the rows.
struct FreeOrderVariant {
  const char* name;
  void (*rows)(const FreeOrderSlice& slice);
};

/// The kernels of one instruction set for one dtype.
struct FreeOrderKernels {
  std::string isa;
  std::vector<FreeOrderVariant> variants;
  /// Adds up the dgamma and dbeta of all slices and writes the problem's. Null for the forward.
  void (*combine)(const FreeOrderProblem& problem, const std::vector<FreeOrderSlice>& slices) = nullptr;
};

FreeOrderKernels free_forward_avx2(DType dtype);
FreeOrderKernels free_forward_avx512(DType dtype);
FreeOrderKernels free_grad_avx2(DType dtype, bool dsum);
FreeOrderKernels free_grad_avx512(DType dtype, bool dsum);
/// The best of this machine for the operator that the problem asks for; no variants where it has neither AVX-512 nor
/// AVX2.
FreeOrderKernels free_order_kernels(const FreeOrderProblem& problem);

/// A variant bound to a problem and a number of threads (oneTBB's).
class FreeOrder {
 public:
  FreeOrder(const FreeOrderProblem& problem, FreeOrderKernels kernels, std::size_t variant, int threads);

  const char* variant() const { return kernels_.variants[variant_].name; }
  int threads() const { return static_cast<int>(slices_.size()); }
  void run();

 private:
  FreeOrderProblem problem_;
  FreeOrderKernels kernels_;
  std::size_t variant_;
  std::vector<std::vector<float>> memory_;
  std::vector<FreeOrderSlice> slices_;
};

}  // namespace alng::cli

#endif
